import { isWrongType, type RedisServers } from './servers.ts'

/** 16 bytes in hexadecimal. Ours are 43 characters long. */
const FORK_ID = /^[0-9a-f]{32}$/
/** Where one form of the fork keeps its sessions, whatever prefix is configured. */
const FORK_DEFAULT_PREFIX = 'session:'

/** Reads and removes, in one atomic step, what the fork keeps under this id; `name`: of its key with the prefix that is configured. */
export async function takeForkRecord(servers: RedisServers, id: string, name: string): Promise<Uint8Array | undefined> {
  if (!FORK_ID.test(id)) return undefined
  for (const key of new Set([name, FORK_DEFAULT_PREFIX + id])) {
    try {
      const reply = await servers.send(key, ['GETDEL', key], isNothingOfTheFork)
      if (Buffer.isBuffer(reply)) return reply
    } catch (cause) {
      if (!isNothingOfTheFork(cause)) throw cause
    }
  }
  return undefined
}

/** Another type under the name, or a name that our user may not touch. */
function isNothingOfTheFork(cause: unknown): boolean {
  return isWrongType(cause) || (cause instanceof Error && cause.message.startsWith('NOPERM'))
}
