import { formatRedisAddress, type RedisAddress } from './address.ts'
import { RedisTimeout } from './connection.ts'

export interface RedisTarget {
  readonly address: RedisAddress
  readonly db: number
}

/** What the server said is by its first word. */
const REPLIES: readonly (readonly [pattern: RegExp, sentence: (target: RedisTarget, reply: string) => string])[] = [
  [
    /^NOAUTH/,
    () =>
      'it requires a password and none is configured: set session_store.redis.password to the password of the server',
  ],
  [
    /^WRONGPASS|invalid password/,
    () => 'it refused the password: ensure that session_store.redis.password is correct, and that the user may log in',
  ],
  [
    /^ERR DB index|invalid DB index/i,
    ({ db }) =>
      `it has no database ${db}: check session_store.redis.db, and "databases" in the configuration of the server`,
  ],
  [/SELECT is not allowed in cluster mode/, () => CLUSTER],
  [/^NOPERM/, (_, reply) => `${DENIED} (${permissionOf(reply)})`],
  [
    /^ERR .*(can't run this command|ACL failure in script)/,
    () => `${DENIED} (it is denied a command that a script uses)`,
  ],
  [/^LOADING/, () => 'it is still loading its data: wait until it is done, or raise session_store.redis.start_timeout'],
  [/^READONLY/, () => REPLICA],
  [
    /^MASTERDOWN/,
    () =>
      'it is a replica that has lost its master: check the replication, or set session_store.redis.addr to the master',
  ],
  [/^(MOVED|ASK|CLUSTERDOWN|TRYAGAIN|CROSSSLOT)/, () => CLUSTER],
  [
    /^OOM/,
    () => 'it has no memory left for writes: monitor its memory, raise maxmemory, or lower session_store.redis.ttl',
  ],
  [/^MISCONF/, () => 'it refuses writes because it cannot save to disk: check the disk and the log of the server'],
  [/^BUSY/, () => 'it is busy with a script: look for what else runs on the server'],
  [/^NOREPLICAS/, () => 'it refuses writes because too few replicas are connected: check the replication'],
  [
    /^DENIED/,
    () =>
      'it runs in protected mode and accepts local connections only: set a password on the server, or bind it to this network',
  ],
  [
    /max number of clients/,
    () => 'it has reached its maximum number of clients: raise maxclients, or look for who holds the connections',
  ],
  [/unknown command/i, () => TOO_OLD],
]

/** The document's words: what it is, and what to do about it. */
export const CLUSTER =
  'it is a node of a Redis Cluster, which session_store.redis.addr cannot reach: set addr to a Redis that is not in cluster mode'
const DENIED = 'the user may not do what sessions need: check its ACL'
export const SENTINEL =
  'it is a Redis Sentinel and keeps no data: set session_store.redis.addr to the Redis server itself'
export const REPLICA = 'it is a read-only replica: set session_store.redis.addr to the master'
export const TOO_OLD = 'it lacks a command that sessions need: Redis 6.2 or later, or Valkey, is required'

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'connection refused: verify that the server is running, and that session_store.redis.addr has the right host and port',
  ENOTFOUND: 'the host name cannot be resolved: check session_store.redis.addr',
  EAI_AGAIN: 'the host name cannot be resolved at the moment: check session_store.redis.addr, and DNS',
  EHOSTUNREACH: 'no route to the host: check network connectivity and firewall rules',
  ENETUNREACH: 'the network is unreachable: check network connectivity and firewall rules',
  ETIMEDOUT: 'no answer: check network connectivity and firewall rules',
  EACCES: 'the connection is forbidden here: check network connectivity and firewall rules',
}
const CLOSED =
  'it closed the connection without an answer: verify that session_store.redis.addr is the port of a Redis server, without TLS'

/** One sentence about what went wrong between us and Redis, and what to check. Never holds the password, a key or a value. */
export function diagnose(cause: unknown, target: RedisTarget): string {
  return `Redis at ${formatRedisAddress(target.address)}: ${reasonOf(cause, target)}`
}

function reasonOf(cause: unknown, target: RedisTarget): string {
  if (cause instanceof RedisTimeout) return timeoutReason(cause)
  if (!(cause instanceof Error)) return 'no connection has been made yet'
  for (const [pattern, sentence] of REPLIES) if (pattern.test(cause.message)) return sentence(target, cause.message)
  const { code } = cause as NodeJS.ErrnoException
  if (typeof code === 'string' && NETWORK[code] !== undefined) return NETWORK[code]
  if (/Unknown RESP type/.test(cause.message)) {
    return 'it does not speak the Redis protocol: verify that session_store.redis.addr is the port of a Redis server'
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || /[Ss]ocket closed/.test(cause.message)) return CLOSED
  // The first word is a code; what follows may quote what was sent.
  const word = /^[A-Z]+/.exec(cause.message)?.[0]
  return word === undefined ? `the connection failed (${code ?? cause.name})` : `it answered ${word}`
}

function timeoutReason({ stage, timeoutMs }: RedisTimeout): string {
  if (stage === 'connect') {
    return `no connection within ${timeoutMs} ms: check network connectivity and firewall rules, or raise session_store.redis.timeout.connect`
  }
  return `no answer within ${timeoutMs} ms: check whether the server is overloaded or hangs, or raise session_store.redis.timeout.command`
}

/** `NOPERM … 'getdel' command` names a command, `NOPERM … one of the keys …` does not. */
function permissionOf(reply: string): string {
  const command = /'([a-z|_-]{1,40})'/i.exec(reply)?.[1]
  if (command !== undefined) return `it is denied the command ${command.toUpperCase()}`
  return /key/.test(reply) ? 'it is denied keys with the configured prefixes' : 'it is denied something'
}
