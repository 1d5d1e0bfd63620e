import { formatRedisAddress, type RedisAddress } from './address.ts'
import { RedisTimeout } from './connection.ts'
import { TlsFileError } from './tls.ts'

/** What says where a server is: a key of the configuration, or whom such a key leads to. */
const HERE = {
  addr: 'session_store.redis.addr',
  url: 'session_store.redis.url',
  'sentinel.addrs': 'session_store.redis.sentinel.addrs',
  'cluster.addrs': 'session_store.redis.cluster.addrs',
  sentinel: 'the master that the Sentinels name',
  cluster: 'the node that the cluster names',
} as const

export type RedisKey = keyof typeof HERE

export interface RedisTarget {
  /** `undefined`: not found yet. */
  readonly address: RedisAddress | undefined
  readonly db: number
  readonly key: RedisKey
  readonly tls: boolean
}

/** Where a server is could not be found out: the whole sentence. */
export class LocateError extends Error {
  override readonly name = 'LocateError'
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
    () =>
      'it refused the password: ensure that session_store.redis.password and username are correct, and that the user may log in',
  ],
  [
    /^ERR DB index|invalid DB index/i,
    ({ db }) =>
      `it has no database ${db}: check session_store.redis.db, and "databases" in the configuration of the server`,
  ],
  [/SELECT is not allowed in cluster mode/, () => CLUSTER],
  [/cluster support disabled/, () => NO_CLUSTER],
  [/^NOPERM/, (_, reply) => `${DENIED} (${permissionOf(reply)})`],
  [
    /^ERR .*(can't run this command|ACL failure in script)/,
    () => `${DENIED} (it is denied a command that a script uses)`,
  ],
  [/^LOADING/, () => 'it is still loading its data: wait until it is done, or raise session_store.redis.start_timeout'],
  [/^READONLY/, ({ key }) => (key === 'sentinel' ? NO_MASTER : REPLICA)],
  [/^MASTERDOWN/, () => 'it is a replica that has lost its master: check the replication, or set @here to the master'],
  [/^CLUSTERDOWN/, ({ key }) => (isOfCluster(key) ? CLUSTER_DOWN : CLUSTER)],
  [/^(MOVED|ASK|TRYAGAIN|CROSSSLOT)/, ({ key }) => (isOfCluster(key) ? MOVING : CLUSTER)],
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
  // Every server that keeps data knows it.
  [/unknown command ['`]?select/i, () => SENTINEL],
  [/unknown command/i, ({ key }) => UNKNOWN_TO[key] ?? TOO_OLD],
]

/** The document's words: what it is, and what to do about it. */
export const CLUSTER =
  'it is a node of a Redis Cluster, which @here cannot reach: give addresses of its nodes in session_store.redis.cluster.addrs instead'
export const NO_CLUSTER = 'it is not in cluster mode: give its address in session_store.redis.addr instead of @here'
export const CLUSTER_DOWN = 'the cluster is down, or some of its slots have no master: look at CLUSTER INFO'
const MOVING = 'the slots of the cluster are being moved: it is tried again with the next request'
const NO_MASTER = 'it is a replica, and the Sentinels have not agreed on another master yet'
const DENIED = 'the user may not do what sessions need: check its ACL'
export const SENTINEL =
  'it is a Redis Sentinel and keeps no data: give its address in session_store.redis.sentinel.addrs instead of @here'
export const REPLICA = 'it is a read-only replica: set @here to the master'
/** Of a cluster, or of Sentinels, it is what they have just decided. */
export const REPLICA_NOW = 'it has just become a replica: it is tried again as soon as another one is the master'
export const ANOTHER_MASTER = 'it is the master no longer: the Sentinels name another one'
export const NO_TRACKING =
  'it does not know CLIENT TRACKING, without which session_store.near_cache cannot be used: connect to the server itself, or set near_cache.enabled to false'
export const NO_RESP3 =
  'it does not speak RESP3, without which session_store.near_cache cannot be used: connect to the server itself, or set near_cache.enabled to false'
export const NO_MESSAGES =
  'its messages about changes do not arrive, without which session_store.near_cache cannot be used: connect to the server itself, or set near_cache.enabled to false'
export const TRACKING_DENIED =
  'the user may not run CLIENT TRACKING, without which session_store.near_cache cannot be used: allow +client|tracking'
export const TOO_OLD = 'it lacks a command that sessions need: Redis 6.2 or later, or Valkey, is required'

/** What does not know the first command that it is asked is something else than it should be. */
const UNKNOWN_TO: Partial<Record<RedisKey, string>> = {
  'sentinel.addrs': 'it is no Redis Sentinel: verify that @here names Sentinels, which listen on port 26379 by default',
  'cluster.addrs':
    'it does not know CLUSTER SLOTS: verify that @here names nodes of a Redis Cluster, no Sentinel and no proxy',
}

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: verify that the server is running, and that @here has the right host and port',
  ENOTFOUND: 'the host name cannot be resolved: check @here',
  EAI_AGAIN: 'the host name cannot be resolved at the moment: check @here, and DNS',
  EHOSTUNREACH: 'no route to the host: check network connectivity and firewall rules',
  ENETUNREACH: 'the network is unreachable: check network connectivity and firewall rules',
  ETIMEDOUT: 'no answer: check network connectivity and firewall rules',
  EACCES: 'the connection is forbidden here: check network connectivity and firewall rules',
}
const CLOSED =
  'it closed the connection without an answer: verify that @here is the port of a Redis server, and that session_store.redis.tls is on where it speaks TLS'
const NO_TLS =
  'it does not speak TLS on this port: verify that @here is its TLS port, or switch session_store.redis.tls off'

/** What TLS says by its codes: of Node for the server's certificate, of OpenSSL for what the server did not like. */
const TLS: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  [
    /SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/,
    'its certificate is signed by nobody who is trusted here: set session_store.redis.tls.ca_file to the certificate of its authority',
  ],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, 'its certificate is not valid at this time: renew it, or check the clock'],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID/,
    'its certificate is for another name: check @here, or set session_store.redis.tls.server_name',
  ],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE/, NO_TLS],
  [
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/,
    'it wants a client certificate: set session_store.redis.tls.cert_file and key_file',
  ],
  [
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN)/,
    'it refused our client certificate: check session_store.redis.tls.cert_file, and which authority the server trusts',
  ],
  [
    /KEY_VALUES_MISMATCH|NO_START_LINE|BAD_DECRYPT|ERR_OSSL/,
    'a file of session_store.redis.tls is no PEM, or the key is not that of the certificate',
  ],
]

export function isOfCluster(key: RedisKey): boolean {
  return key === 'cluster' || key === 'cluster.addrs'
}

/** One sentence about what went wrong between us and Redis, and what to check. Never holds the password, a key or a value. */
export function diagnose(cause: unknown, target: RedisTarget): string {
  if (cause instanceof LocateError) return cause.message
  return tell(reasonOf(cause, target), target)
}

/** A sentence of this file about a server. */
export function tell(sentence: string, { address, key }: RedisTarget): string {
  return `Redis${address === undefined ? '' : ` at ${formatRedisAddress(address)}`}: ${sentence.replaceAll('@here', HERE[key])}`
}

function reasonOf(cause: unknown, target: RedisTarget): string {
  if (cause instanceof RedisTimeout) return timeoutReason(cause, target)
  if (cause instanceof TlsFileError) return `no connection is tried: session_store.redis.tls.${cause.message}`
  if (!(cause instanceof Error)) return 'no connection has been made yet'
  const { code } = cause as NodeJS.ErrnoException
  if (typeof code === 'string') {
    if (NETWORK[code] !== undefined) return NETWORK[code]
    const found = TLS.find(([pattern]) => pattern.test(code))
    if (found !== undefined) return found[1]
  }
  for (const [pattern, sentence] of REPLIES) if (pattern.test(cause.message)) return sentence(target, cause.message)
  if (/Unknown RESP type/.test(cause.message)) {
    return 'it does not speak the Redis protocol: verify that @here is the port of a Redis server'
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || /[Ss]ocket closed/.test(cause.message)) return CLOSED
  // The first word is a code; what follows may quote what was sent.
  const word = /^[A-Z]+/.exec(cause.message)?.[0]
  return word === undefined ? `the connection failed (${code ?? cause.name})` : `it answered ${word}`
}

function timeoutReason({ stage, timeoutMs }: RedisTimeout, { tls }: RedisTarget): string {
  if (stage === 'connect') {
    const speech = tls ? 'that @here speaks TLS, ' : ''
    return `no connection within ${timeoutMs} ms: check ${speech}network connectivity and firewall rules, or raise session_store.redis.timeout.connect`
  }
  return `no answer within ${timeoutMs} ms: check whether the server is overloaded or hangs, or raise session_store.redis.timeout.command`
}

/** `NOPERM … 'getdel' command` names a command, `NOPERM … one of the keys …` does not. */
function permissionOf(reply: string): string {
  const command = /'([a-z|_-]{1,40})'/i.exec(reply)?.[1]
  if (command !== undefined) return `it is denied the command ${command.toUpperCase()}`
  return /key/.test(reply) ? 'it is denied keys with the configured prefixes' : 'it is denied something'
}
