import type { RedisConnection, RedisReply } from './connection.ts'

/** What a server says about itself; what it does not say is `undefined`. */
export interface ServerFacts {
  readonly server: string | undefined
  readonly version: string | undefined
  readonly mode: string | undefined
  readonly role: string | undefined
}

/** Asks the server what it is. What stands before it may know no HELLO: then INFO says it. */
export async function readServerFacts(ask: (args: readonly string[]) => Promise<RedisReply>): Promise<ServerFacts> {
  try {
    const hello = asRecord(await ask(['HELLO']))
    return { server: hello['server'], version: hello['version'], mode: hello['mode'], role: hello['role'] }
  } catch (cause) {
    if (!isResp3Refused(cause)) throw cause
    const info = String(await ask(['INFO']))
    const fact = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]
    return { server: 'redis', version: fact('redis_version'), mode: fact('redis_mode'), role: fact('role') }
  }
}

/** The older protocol has lists where the newer has maps. */
function asRecord(reply: RedisReply): Readonly<Record<string, string>> {
  const record: Record<string, string> = {}
  if (Array.isArray(reply))
    for (let i = 0; i + 1 < reply.length; i += 2) record[String(reply[i])] = String(reply[i + 1])
  else for (const [name, value] of Object.entries(reply ?? {})) record[name] = String(value)
  return record
}

/** @throws {Error} as the server does when it is written to, when it is a replica. */
export async function checkMaster(connection: RedisConnection): Promise<void> {
  try {
    const { role } = await readServerFacts((args) => connection.send(args))
    if (role !== 'master') throw new Error('READONLY it says that it is a replica')
  } catch (cause) {
    connection.destroy(cause)
    throw cause
  }
}

/** The ACL says no. Redis 7 names the subcommand, 6.2 only the command. */
export function isTrackingDenied(cause: unknown): boolean {
  return cause instanceof Error && /^NOPERM.*'client(\|tracking)?'/i.test(cause.message)
}

/** The server, or what stands before it, does not track, whatever the reason. */
export function isTrackingRefused(cause: unknown): boolean {
  return isTrackingDenied(cause) || (cause instanceof Error && /^ERR.*\b(client\b(?!s)|tracking)/i.test(cause.message))
}

/** It speaks the older protocol only. */
export function isResp3Refused(cause: unknown): boolean {
  return cause instanceof Error && /^(NOPROTO|ERR.*\bhello\b)/i.test(cause.message)
}
