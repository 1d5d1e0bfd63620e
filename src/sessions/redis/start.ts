import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../kernel/clock.ts'
import { GateError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { SessionStore } from '../contract.ts'
import { CLUSTER, diagnose, REPLICA, SENTINEL, tell } from './diagnose.ts'
import type { RedisLink } from './link.ts'

const RETRY_MS = 250
const TEST_LIFETIME_MS = 10_000

/** A sentence for the operator. */
class StartError extends Error {}

/**
 * Connects, and sees whether the server does all that sessions need; again until `startTimeoutMs` is over.
 * @throws {Error} with one sentence that names host and port, says what is wrong and what to check.
 */
export async function startLink(
  link: RedisLink,
  store: SessionStore,
  startTimeoutMs: number,
  clock: Clock,
  logger: Logger,
): Promise<void> {
  const giveUpAt = performance.now() + startTimeoutMs
  for (let attempt = 1; ; attempt++) {
    const problem = await findProblem(link, store, clock)
    if (problem === undefined) break
    if (link.isClosed || performance.now() + RETRY_MS >= giveUpAt) throw new Error(problem)
    if (attempt === 1) {
      logger.warn({ detail: problem, for_ms: startTimeoutMs }, 'the session store cannot be used yet; trying again')
    }
    await sleep(RETRY_MS)
  }
  link.keepAlive()
  if (await link.isOpenToAll()) {
    logger.warn({}, 'session_store.redis.password is set, but the Redis server lets everybody in without one')
  }
  await warnOfEviction(link, logger)
}

/** The error itself stays in here: it may quote what was sent, and with it the password. */
async function findProblem(link: RedisLink, store: SessionStore, clock: Clock): Promise<string | undefined> {
  try {
    await link.connect()
    await checkServer(link)
    await checkOperations(store, clock)
    return undefined
  } catch (cause) {
    link.disconnect()
    return sentenceOf(cause, link)
  }
}

function sentenceOf(cause: unknown, link: RedisLink): string {
  if (cause instanceof StartError) return tell(cause.message, link.target)
  if (cause instanceof GateError) return cause.detail ?? cause.message
  return diagnose(cause, link.target)
}

/** What kind of server it says it is. */
async function checkServer(link: RedisLink): Promise<void> {
  const hello = (await link.sendRaw(['HELLO'])) as Readonly<Record<string, unknown>> | null
  const mode = String(hello?.['mode'])
  if (mode === 'cluster') throw new StartError(CLUSTER)
  if (mode === 'sentinel') throw new StartError(SENTINEL)
  if (/^(replica|slave)$/.test(String(hello?.['role']))) throw new StartError(REPLICA)
  const version = String(hello?.['version'])
  if (hello?.['server']?.toString() === 'redis' && isTooOld(version)) {
    throw new StartError(`it is Redis ${version}: Redis 6.2 or later, or Valkey, is required`)
  }
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
  ]
  await store.releaseLease(name, name)
  await store.putState(name, value, end, 'selftest')
  done.push(isEqual(await store.takeState(name), value), (await store.takeState(name)) === undefined)
  if (done.includes(false))
    throw new StartError('it does not give back what was written: check what stands between it and here')
}

/** Every key of ours has an end, so each policy but `noeviction` may drop it before. */
async function warnOfEviction(link: RedisLink, logger: Logger): Promise<void> {
  let memory: string
  try {
    memory = String(await link.sendRaw(['INFO', 'memory']))
  } catch {
    logger.debug({}, 'the eviction policy of Redis could not be read: the user may not run INFO')
    return
  }
  const policy = /^maxmemory_policy:([\w-]+)/m.exec(memory)?.[1]
  if (policy === undefined || policy === 'noeviction') return
  const maxMemory = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0)
  logger.warn(
    { policy, max_memory: maxMemory },
    'Redis may evict sessions when its memory is full, which signs people out: set maxmemory-policy to noeviction',
  )
}

function isEqual(found: Uint8Array | undefined, expected: Buffer): boolean {
  return found !== undefined && expected.equals(found)
}
