import { BlockList, isIP, isIPv4 } from 'node:net'

/** A set of addresses, given by networks. */
export interface CidrSet {
  /** Whether the address lies in one of the networks; false for what is not an address. */
  has(address: string): boolean
  readonly size: number
}

const MAPPED_BITS = 96

/**
 * Compiles networks (`10.0.0.0/8`, `fd00::/8`) and single addresses to a set. An IPv4 address that is written as IPv6
 * (`::ffff:10.0.0.1`, what a dual-stack listener sees) is the IPv4 address, in the networks and in the question.
 * @throws {Error} with a sentence that names the entry which is none.
 */
export function compileCidrs(networks: readonly string[]): CidrSet {
  const list = new BlockList()
  for (const network of networks) {
    const { address, prefix } = parseCidr(network)
    list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return {
    size: networks.length,
    has(given) {
      const address = plainAddress(given)
      const family = isIP(address)
      return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
    },
  }
}

/**
 * Reads one network or address, in its plain form: IPv4-mapped IPv6 as IPv4, without zone.
 * @throws {Error} with a sentence that names the text.
 */
export function parseCidr(text: string): { readonly address: string; readonly prefix: number } {
  const slash = text.indexOf('/')
  const given = slash === -1 ? text : text.slice(0, slash)
  const family = isIP(given)
  if (family === 0 || given.includes('%')) throw new Error(`"${text}" is not a network such as 10.0.0.0/8 or fd00::/8`)
  const bits = family === 4 ? 32 : 128
  const written = slash === -1 ? String(bits) : text.slice(slash + 1)
  const prefix = Number(written)
  if (!/^(0|[1-9]\d{0,2})$/.test(written) || prefix > bits) {
    throw new Error(`"${text}" is not a network: the number behind the slash is 0 to ${bits}`)
  }
  const address = plainAddress(given)
  const mapped = family === 6 && isIPv4(address)
  if (mapped && prefix < MAPPED_BITS) return { address: given, prefix }
  return { address, prefix: mapped ? prefix - MAPPED_BITS : prefix }
}

/** An address without zone, IPv4-mapped IPv6 as IPv4; anything else comes back as given. */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address
  const zone = address.indexOf('%')
  const bare = zone === -1 ? address : address.slice(0, zone)
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)
  if (dotted !== null) return dotted[1] as string
  if (isIP(bare) !== 6) return address
  // The other spellings of a mapped address (`0:0:0:0:0:ffff:0a00:1`) have one canonical form.
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(new URL(`http://[${bare}]`).hostname)
  if (mapped === null) return bare
  const high = Number.parseInt(mapped[1] as string, 16)
  const low = Number.parseInt(mapped[2] as string, 16)
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}
