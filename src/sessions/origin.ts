import { isIPv6 } from 'node:net'

/**
 * What counts as one place when a limit is per address: an IPv4 address, or the /64 network of an IPv6 address, since whoever
 * has one address of it has all 2^64.
 */
export function originOf(address: string): string {
  const plain = address.split('%', 1)[0] ?? ''
  if (!isIPv6(plain)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)
  if (mapped !== null) return mapped[1] ?? address
  const [front = '', back] = plain.split('::')
  const before = front === '' ? [] : front.split(':')
  const after = back === undefined || back === '' ? [] : back.split(':')
  const zeros =
    back === undefined ? 0 : 8 - before.length - after.length - (after.at(-1)?.includes('.') === true ? 1 : 0)
  const groups = [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
