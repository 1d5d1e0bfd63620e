import type { RedisConnection } from './connection.ts'

/** @throws {Error} as the server does when it is written to, when it is a replica. */
export async function checkMaster(connection: RedisConnection): Promise<void> {
  const hello = (await connection.send(['HELLO'])) as Readonly<Record<string, unknown>> | null
  if (String(hello?.['role']) === 'master') return
  const cause = new Error('READONLY it says that it is a replica')
  connection.destroy(cause)
  throw cause
}

/** Redis 7 names the subcommand, 6.2 only the command. */
export function isTrackingDenied(cause: unknown): boolean {
  return cause instanceof Error && /^NOPERM.*'client(\|tracking)?'/i.test(cause.message)
}
