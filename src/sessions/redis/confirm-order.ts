import { randomUUID } from 'node:crypto'
import { storeUnavailable } from '../store-error.ts'
import type { RedisLink } from './link.ts'

/**
 * Asks for something that nobody else is answered with, to see that replies meet their questions on the connection still.
 * @throws {GateError} ERR_SESSION_STORE_UNAVAILABLE when they do not, or when the connection is another by now.
 */
export async function confirmOrder(link: RedisLink, isSame: () => boolean): Promise<void> {
  const nonce = randomUUID()
  if (!isSame()) throw storeUnavailable('the connection to Redis is another by now')
  const reply = await link.send(['PING', nonce])
  if (String(reply) !== nonce) throw distrust(link)
}

/** Gives up the connection of `link`, and gives the error to throw. */
export function distrust(link: RedisLink): Error {
  const cause = new Error('a reply of another kind than was asked for')
  link.giveUp(cause)
  return storeUnavailable(`${cause.message}; the connection to Redis is given up`)
}
