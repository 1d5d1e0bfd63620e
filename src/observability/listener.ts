import type { AddressInfo } from 'node:net'
import type { Logger } from '../kernel/logger.ts'

/** Tells that a listener is there, with a URL that can be clicked. */
export function tellListening(logger: Logger, name: string, { address, port }: AddressInfo, isSecure: boolean): void {
  const everywhere = address === '::' || address === '0.0.0.0'
  const host = everywhere ? 'localhost' : address.includes(':') ? `[${address}]` : address
  const url = `${isSecure ? 'https' : 'http'}://${host}:${port}`
  logger.info({ listener: name, url, address, port }, `${name} is listening on ${url}`)
}
