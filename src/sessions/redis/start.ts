import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../kernel/clock.ts'
import { GateError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { SessionStore } from '../contract.ts'
import { CLUSTER, diagnose, isOfCluster, NO_CLUSTER, REPLICA, REPLICA_NOW, SENTINEL, tell } from './diagnose.ts'
import { readServerFacts, type ServerFacts } from './handshake.ts'
import type { RedisLink } from './link.ts'
import { checkPermissions } from './permissions.ts'
import { type RedisServers, ServersError } from './servers.ts'

const RETRY_MS = 250
const TEST_LIFETIME_MS = 10_000

/**
 * Connects, and sees whether the server does all that sessions need; again until `startTimeoutMs` is over.
 * @throws {Error} with one sentence that names host and port, says what is wrong and what to check.
 */
export async function startServers(
  servers: RedisServers,
  store: SessionStore,
  startTimeoutMs: number,
  clock: Clock,
  logger: Logger,
): Promise<void> {
  const giveUpAt = performance.now() + startTimeoutMs
  let links: readonly RedisLink[] = []
  for (let attempt = 1; ; attempt++) {
    const found = await tryServers(servers, store, clock)
    if (typeof found !== 'string') {
      links = found
      break
    }
    if (servers.isClosed || performance.now() + RETRY_MS >= giveUpAt) throw new Error(found)
    if (attempt === 1) {
      logger.warn({ detail: found, for_ms: startTimeoutMs }, 'the session store cannot be used yet; trying again')
    }
    await sleep(RETRY_MS)
  }
  servers.keepAlive()
  const [first] = links
  if (first !== undefined && (await isOpenToAll(first))) {
    logger.warn({}, 'session_store.redis.password is set, but the Redis server lets everybody in without one')
  }
  for (const link of links) if (await mayEvict(link, logger)) break
}

/** Whether the server would let somebody in without the password that is configured here. */
async function isOpenToAll(link: RedisLink): Promise<boolean> {
  const { username, password } = link.credentials
  if (password === undefined || (username !== undefined && username !== 'default')) return false
  try {
    await link.sendRaw(['AUTH', password.reveal()])
    return false
  } catch (cause) {
    return cause instanceof Error && cause.message.includes('without any password configured')
  }
}

/** The links, or what is wrong. */
async function tryServers(
  servers: RedisServers,
  store: SessionStore,
  clock: Clock,
): Promise<readonly RedisLink[] | string> {
  try {
    const links = await servers.connect()
    for (const link of links) {
      await checkServer(link)
      await checkPermissions(link)
    }
    await checkOperations(store, clock)
    return links
  } catch (cause) {
    servers.disconnect()
    if (cause instanceof GateError) return cause.detail ?? cause.message
    if (cause instanceof ServersError) return cause.message
    // Nothing of it is shown: it may quote what was sent.
    return `Redis: ${cause instanceof Error ? cause.name : 'something'} that nobody foresaw`
  }
}

/** What kind of server it says it is. */
async function checkServer(link: RedisLink): Promise<void> {
  const { mode, role, version, server } = await readFacts(link)
  const wantsCluster = isOfCluster(link.target.key)
  if (mode === 'sentinel') throw problemOf(SENTINEL, link)
  if ((mode === 'cluster') !== wantsCluster) throw problemOf(wantsCluster ? NO_CLUSTER : CLUSTER, link)
  if (role === 'replica' || role === 'slave') throw problemOf(wantsCluster ? REPLICA_NOW : REPLICA, link)
  if (server === 'redis' && version !== undefined && isTooOld(version)) {
    throw problemOf(`it is Redis ${version}: Redis 6.2 or later, or Valkey, is required`, link)
  }
}

async function readFacts(link: RedisLink): Promise<ServerFacts> {
  try {
    return await readServerFacts((args) => link.sendRaw(args))
  } catch (cause) {
    throw new ServersError(diagnose(cause, link.target))
  }
}

function problemOf(sentence: string, link: RedisLink): ServersError {
  return new ServersError(tell(sentence, link.target))
}

function isTooOld(version: string): boolean {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})\./.exec(version) ?? []
  return major !== undefined && (Number(major) < 6 || (Number(major) === 6 && Number(minor) < 2))
}

/** Every operation once, under names that nobody has: what is denied or missing shows now and not at somebody's login. */
async function checkOperations(store: SessionStore, clock: Clock): Promise<void> {
  const name = `selftest-${randomBytes(16).toString('base64url')}`
  const value = randomBytes(16)
  const end = clock.now() + TEST_LIFETIME_MS
  const index = { subject: name, providerSession: name }
  const done = [
    await store.createSession(name, value, end, index),
    !(await store.createSession(name, value, end, index)),
    await store.updateSession(name, value, end, 1),
    !(await store.updateSession(name, value, end, 1)),
    isEqual((await store.getSession(name))?.value, value),
    (await store.findSessions(index)).length === 1,
    await store.deleteSession(name),
    (await store.getSession(name)) === undefined,
    await store.acquireLease(name, name, TEST_LIFETIME_MS),
    !(await store.acquireLease(name, 'another', TEST_LIFETIME_MS)),
    (await store.renewLease?.(name, name, TEST_LIFETIME_MS)) !== false,
  ]
  await store.releaseLease(name, name)
  await store.putState(name, value, end, 'selftest')
  done.push(isEqual(await store.takeState(name), value), (await store.takeState(name)) === undefined)
  if (done.includes(false))
    throw new ServersError('Redis does not give back what was written: check what stands between it and here')
}

/** Warns of it. Every key of ours has an end, so each policy but `noeviction` may drop it before. */
async function mayEvict(link: RedisLink, logger: Logger): Promise<boolean> {
  let memory: string
  try {
    memory = String(await link.sendRaw(['INFO', 'memory']))
  } catch {
    logger.debug({}, 'the eviction policy of Redis could not be read: the user may not run INFO')
    return false
  }
  const policy = /^maxmemory_policy:([\w-]+)/m.exec(memory)?.[1]
  if (policy === undefined || policy === 'noeviction') return false
  const maxMemory = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0)
  logger.warn(
    { policy, max_memory: maxMemory },
    'Redis may evict sessions when its memory is full, which signs people out: set maxmemory-policy to noeviction',
  )
  return true
}

function isEqual(found: Uint8Array | undefined, expected: Buffer): boolean {
  return found !== undefined && expected.equals(found)
}
