import type { Logger } from '../../kernel/logger.ts'
import type { RedisConnection, RedisCredentials } from './connection.ts'
import { diagnose, type RedisTarget } from './diagnose.ts'

/** Tells the server over an open connection who we are from now on; gives why it does not take it, if it does not. */
export async function presentCredentials(
  connection: RedisConnection,
  { username = 'default', password }: RedisCredentials,
  target: RedisTarget,
  logger: Logger,
): Promise<unknown> {
  if (password === undefined) return undefined
  try {
    await connection.send(['AUTH', username, password.reveal()])
    logger.info({}, 'the changed credentials of the session store are in use')
    return undefined
  } catch (cause) {
    logger.error(
      { detail: diagnose(cause, target) },
      'the changed credentials of the session store are refused; its connection stays as it is while it lasts',
    )
    return cause
  }
}
