import type { RedisLink } from './link.ts'
import { diagnose, isOfCluster } from './diagnose.ts'
import { ServersError } from './servers.ts'

/** A name that nobody has. */
const NOBODY = 'oathkeeper-selftest'
const NO_SCRIPT = '0'.repeat(40)

/** Every command of ours on data, so that nothing comes of it: there is no such key, and none is made. */
export const PROBES: readonly (readonly [command: string, ...args: string[]])[] = [
  ['EXISTS', NOBODY],
  ['GET', NOBODY],
  ['GETRANGE', NOBODY, '0', '0'],
  ['GETDEL', NOBODY],
  ['SET', NOBODY, '', 'XX', 'PX', '1'],
  ['DEL', NOBODY],
  ['PEXPIRE', NOBODY, '1'],
  ['ZADD', NOBODY, 'XX', '0', NOBODY],
  ['ZREM', NOBODY, NOBODY],
  ['ZRANGE', NOBODY, '0', '0'],
  ['ZRANGEBYSCORE', NOBODY, '0', '0'],
  ['EVAL', 'return 1', '0'],
  ['EVALSHA', NO_SCRIPT, '0'],
]

/**
 * Sees whether the user may run every command that sessions need, on this server: the permissions of one are not those of another,
 * and what is denied to a script is not named by all.
 * @throws {ServersError} that names the first command that is denied.
 */
export async function checkPermissions(link: RedisLink): Promise<void> {
  const probes = isOfCluster(link.target.key) ? [...PROBES, ['ASKING']] : PROBES
  const answers = await Promise.allSettled(probes.map((probe) => link.sendRaw(probe)))
  for (const answer of answers) {
    // Whatever else is wrong shows when it is done in earnest.
    if (answer.status === 'rejected' && isCommandDenied(answer.reason)) {
      throw new ServersError(diagnose(answer.reason, link.target))
    }
  }
}

/** Redis tells it before it looks at keys, or at where they are. */
function isCommandDenied(cause: unknown): boolean {
  return cause instanceof Error && /^NOPERM.*'[a-z|_-]+' command/i.test(cause.message)
}
