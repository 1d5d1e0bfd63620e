import { isIP } from 'node:net'
import type { RequestView } from '../kernel/request.ts'
import { compileCidrs } from '../lib/cidr.ts'

/** Networks that are not the world outside. */
const PRIVATE = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
]

/**
 * Makes the function that gives the address of the client as Oathkeeper tells it to others: the first public one of
 * `X-Forwarded-For`, else what `X-Real-Ip` says, else the peer. Differs from Oathkeeper: these headers count only from a trusted
 * peer, and a public client that trusted proxies name counts more than what the client may have written itself.
 */
export function compileClientAddress(): (request: RequestView) => string {
  const internal = compileCidrs(PRIVATE)
  const isPublic = (address: string): boolean => isIP(address) !== 0 && !internal.has(address)
  return ({ headers, clientAddress, peerAddress, peerTrusted }) => {
    if (!peerTrusted) return peerAddress
    const forwardedFor = headers.get('x-forwarded-for') ?? ''
    const realIp = headers.get('x-real-ip') ?? ''
    if (forwardedFor === '') return realIp === '' ? peerAddress : realIp
    if (isPublic(clientAddress)) return clientAddress
    const entries = forwardedFor.split(',').map((entry) => entry.trim())
    return entries.find(isPublic) ?? realIp
  }
}
