import { isIP } from 'node:net'
import { compileCidrs, plainAddress } from '../lib/cidr.ts'
import type { PeerTrust } from './connection.ts'

/** Every peer is trusted (`all`), or those in the networks. */
export function compileTrust(proxies: 'all' | readonly string[]): PeerTrust {
  if (proxies === 'all') return () => true
  if (proxies.length === 0) return () => false
  const networks = compileCidrs(proxies)
  return (address) => networks.has(address)
}

/**
 * Finds the client behind trusted proxies: from the right of the chain to the first address that is no trusted proxy.
 * What is not an address (`unknown`, `_hidden`, a broken one) ends the walk at its right neighbour.
 * @param chain addresses as the proxies wrote them, the nearest hop last
 */
export function clientAddress(peerAddress: string, chain: readonly string[], trusts: PeerTrust): string {
  let client = peerAddress
  for (let i = chain.length - 1; i >= 0 && trusts(client); i--) {
    const address = readNode(chain[i] as string)
    if (address === undefined) break
    client = address
  }
  return client
}

/** The entries of `X-Forwarded-For`, over all its lines. */
export function readForwardedFor(lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(',')).map((entry) => entry.trim())
}

/** An address, with or without port and brackets, in plain form; nothing for what is none. */
export function readNode(text: string): string | undefined {
  if (isIP(text) !== 0) return plainAddress(text)
  const found = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(text)
  if (found === null) return undefined
  const address = found[1] ?? (found[2] as string)
  const family = isIP(address)
  return family === 0 || (family === 6) !== (found[1] !== undefined) ? undefined : plainAddress(address)
}

/** One element of `Forwarded` (RFC 7239 §4): parameters by lower-case name, quotes removed. */
export type ForwardedElement = ReadonlyMap<string, string>

const PAIR = /[ \t]*([!#$%&'*+\-.^_`|~\w]+)=(?:([!#$%&'*+\-.^_`|~\w]+)|"((?:[^"\\]|\\.)*)")[ \t]*(;|,|$)/y

/** Reads all lines of `Forwarded`; nothing at all when any of it is malformed. */
export function readForwarded(lines: readonly string[]): ForwardedElement[] {
  const elements: ForwardedElement[] = []
  for (const line of lines) {
    let element = new Map<string, string>()
    let end = ''
    PAIR.lastIndex = 0
    do {
      const pair = PAIR.exec(line)
      if (pair === null) return []
      const name = (pair[1] as string).toLowerCase()
      if (element.has(name)) return []
      element.set(name, pair[2] ?? (pair[3] as string).replace(/\\(.)/g, '$1'))
      end = pair[4] as string
      if (end !== ';') {
        elements.push(element)
        element = new Map()
      }
    } while (end !== '')
  }
  return elements
}

/**
 * The chain of addresses that a trusted peer told us. When both headers are there, `X-Forwarded-For` counts and
 * `Forwarded` is not looked at, whatever they say.
 */
export function forwardedChain(forwardedFor: readonly string[], forwarded: readonly string[]): string[] {
  if (forwardedFor.length > 0) return readForwardedFor(forwardedFor)
  return readForwarded(forwarded).map((element) => element.get('for') ?? 'unknown')
}
