// What one instance ends, another refuses: how soon, and what holds while the messages about it cannot arrive.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import {
  countReads,
  startRedisInstance,
  startRedisRig,
  startSecondWay,
  type RedisInstance,
  type RedisRig,
} from '../../test/support/redis-instances.ts'
import { withPassword } from '../../test/support/redis-options.ts'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { timed, until } from '../../test/support/until.ts'
import { silentLogger, type Logger } from '../kernel/logger.ts'
import { parseTicket } from './ticket.ts'

/** Within this, what one instance ends is refused by another, mostly: the rest is what else the machine has to do. */
const SEEN_WITHIN_MS = 50
const AT_THE_LATEST_MS = 1000
/** Heartbeat, command deadline, and what a busy machine adds. */
const SILENCE_NOTICED_WITHIN_MS = 1500

interface Lags {
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** How many were over with the very next request. */
  readonly atOnce: number
}

/** Logs in on one, uses it on two, ends it on one, and asks two without a pause until it refuses. */
async function measureLags(
  one: RedisInstance,
  two: RedisInstance,
  times: number,
  between: () => unknown = () => undefined,
): Promise<Lags> {
  const lags: number[] = []
  let atOnce = 0
  for (let i = 0; i < times; i++) {
    const { ticket } = await one.manager.create(sessionDraft())
    await until(AT_THE_LATEST_MS, async () => assert.equal(await two.subjectOf(ticket), 'alice'))
    await between()
    await one.manager.end(ticket, 'logout')
    const endedAt = performance.now()
    let asked = 1
    for (; (await two.subjectOf(ticket)) !== undefined; asked++) {
      assert.ok(performance.now() - endedAt < AT_THE_LATEST_MS, 'it is still accepted')
      await nextTurn()
    }
    if (asked === 1) atOnce++
    lags.push(performance.now() - endedAt)
  }
  lags.sort((a, b) => a - b)
  const at = (share: number): number => lags[Math.min(lags.length - 1, Math.floor(lags.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), max: at(1), atOnce }
}

function tell(t: TestContext, { p50, p99, max, atOnce }: Lags, times: number): void {
  const [median, most, worst] = [p50, p99, max].map((ms) => ms.toFixed(2))
  t.diagnostic(
    `seen after ${median} ms (p50), ${most} ms (p99), ${worst} ms (max); with the very next request ${atOnce} of ${times}`,
  )
}

async function killTracked({ server }: Pick<RedisRig, 'server'>): Promise<void> {
  for (const type of ['normal', 'pubsub']) await server.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
}

test('E-08: FM-25: a session that one instance ends is refused by another within 50 ms', async (t) => {
  const rig = await startRedisRig(t)
  const redis = { commandTimeoutMs: 5_000 }
  const one = await startRedisInstance(t, rig, { redis })
  const two = await startRedisInstance(t, await startSecondWay(t, rig), { redis })
  const lags = await measureLags(one, two, 300)
  tell(t, lags, 300)
  assert.ok(lags.p50 <= SEEN_WITHIN_MS, `${lags.p50} ms`)
})

test('E-08: connections that the server drops all the time make it no later', async (t) => {
  const rig = await startRedisRig(t)
  const [one, two] = [await startRedisInstance(t, rig), await startRedisInstance(t, await startSecondWay(t, rig))]
  const lags = await measureLags(one, two, 20, async () => {
    await killTracked(rig)
    await until(AT_THE_LATEST_MS, () => one.store.ping())
  })
  tell(t, lags, 20)
  assert.ok(lags.p50 <= SEEN_WITHIN_MS, `${lags.p50} ms`)
})

test('while a connection is replaced only sessions that were unchanged go on, and then each is asked for', async (t) => {
  const rig = await startRedisRig(t)
  const [one, two] = [await startRedisInstance(t, rig), await startRedisInstance(t, await startSecondWay(t, rig))]
  const { ticket } = await one.manager.create(sessionDraft())
  assert.equal(await two.subjectOf(ticket), 'alice')
  const before = two.manager.nearCache
  await killTracked(rig)
  await until(AT_THE_LATEST_MS, () => two.store.ping())
  for (let i = 0; i < 5; i++) assert.equal(await two.subjectOf(ticket), 'alice')
  const after = two.manager.nearCache
  assert.ok(before !== undefined && after !== undefined)
  assert.deepEqual([after.misses - before.misses, after.hits - before.hits], [1, 4])
})

test('a connection on which nothing arrives any more is given up within a heartbeat and a deadline', async (t) => {
  const rig = await startRedisRig(t)
  const [one, two] = [await startRedisInstance(t, await startSecondWay(t, rig)), await startRedisInstance(t, rig)]
  const lags: number[] = []
  for (let i = 0; i < 5; i++) {
    const { ticket } = await one.manager.create(sessionDraft())
    await until(AT_THE_LATEST_MS, async () => assert.equal(await two.subjectOf(ticket), 'alice'))
    rig.proxy.blackHole = true
    await one.manager.end(ticket, 'logout')
    // A rule that takes no chances; the others go on for the grace.
    lags.push(
      await until(SILENCE_NOTICED_WITHIN_MS, () => assert.rejects(async () => await two.manager.open(ticket, 'deny'))),
    )
    rig.proxy.blackHole = false
    await until(2000, async () => assert.equal(await two.subjectOf(ticket), undefined))
  }
  t.diagnostic(`given up after ${Math.round(Math.max(...lags))} ms at most`)
})

test('FM-14: a server that is paused is noticed without a request, and what it was told meanwhile holds afterwards', async (t) => {
  const rig = await startRedisRig(t)
  const [one, two] = [await startRedisInstance(t, rig), await startRedisInstance(t, await startSecondWay(t, rig))]
  const { ticket } = await one.manager.create(sessionDraft())
  assert.equal(await two.subjectOf(ticket), 'alice')
  rig.server.pause()
  t.after(() => rig.server.resume())
  await assert.rejects(one.manager.end(ticket, 'logout'))
  const noticed = await until(SILENCE_NOTICED_WITHIN_MS, () =>
    assert.rejects(async () => await two.manager.open(ticket, 'deny')),
  )
  assert.equal(await two.subjectOf(ticket), 'alice', 'nobody could be told')
  assert.equal(await one.subjectOf(ticket), undefined)
  rig.server.resume()
  const recovered = await until(2000, () => two.store.ping())
  t.diagnostic(`noticed ${Math.round(noticed)} ms after the logout, back after ${Math.round(recovered)} ms`)
  rig.clock.advance(5_000)
  await until(2000, async () => assert.equal(await two.subjectOf(ticket), undefined))
})

test('a server that is restarted with its data vouches for nothing that the one before it said', async (t) => {
  const rig = await startRedisRig(t, { persist: true })
  const instance = await startRedisInstance(t, rig)
  const tickets = [await instance.manager.create(sessionDraft()), await instance.manager.create(sessionDraft())]
  for (const { ticket } of tickets) assert.equal(await instance.subjectOf(ticket), 'alice')
  await rig.server.stop()
  await rig.server.start()
  await until(2000, () => instance.store.ping())
  const reads = await countReads(rig, async () => {
    for (const { ticket } of tickets) assert.equal(await instance.subjectOf(ticket), 'alice')
    for (const { ticket } of tickets) assert.equal(await instance.subjectOf(ticket), 'alice')
  })
  assert.equal(reads, 2)
})

test('FM-21: FLUSHDB, and a key whose time was cut short on the server, end sessions here', async (t) => {
  const rig = await startRedisRig(t)
  const { manager, subjectOf } = await startRedisInstance(t, rig)
  const first = (await manager.create(sessionDraft())).ticket
  assert.equal(await subjectOf(first), 'alice')
  await rig.server.command('FLUSHDB')
  await until(AT_THE_LATEST_MS, async () => assert.equal(await subjectOf(first), undefined))
  const second = (await manager.create(sessionDraft())).ticket
  assert.equal(await subjectOf(second), 'alice')
  assert.equal(await rig.server.command('PEXPIRE', `session:${parseTicket(second)?.key ?? ''}`, '30'), 1)
  await until(AT_THE_LATEST_MS, async () => assert.equal(await subjectOf(second), undefined))
})

test('a table of the server that overflows costs questions, and hides no end', async (t) => {
  const rig = await startRedisRig(t)
  await rig.server.command('CONFIG', 'SET', 'tracking-table-max-keys', '5')
  const [one, two] = [await startRedisInstance(t, rig), await startRedisInstance(t, await startSecondWay(t, rig))]
  const tickets: string[] = []
  for (let i = 0; i < 40; i++) tickets.push((await one.manager.create(sessionDraft())).ticket)
  const useAll = async (): Promise<void> => {
    for (const ticket of tickets) assert.equal(await two.subjectOf(ticket), 'alice')
  }
  await useAll()
  await sleep(150)
  assert.ok((await countReads(rig, useAll)) >= 30, 'most of them are asked for again')
  for (const ticket of tickets) {
    await one.manager.end(ticket, 'logout')
    await until(AT_THE_LATEST_MS, async () => assert.equal(await two.subjectOf(ticket), undefined))
  }
})

/** What the server, or a proxy before it, cannot do; and what is said about it. */
const LACKING: Readonly<
  Record<string, { readonly told: RegExp; spoil(rig: RedisRig): unknown; readonly user?: readonly [string, string] }>
> = {
  'a user who may not run CLIENT TRACKING': {
    told: /may not run CLIENT TRACKING, without which session_store\.near_cache cannot be used: allow/,
    spoil: ({ server }) => server.command('ACL', 'SETUSER', 'u', 'on', '>p', '~*', '+@all', '-client|tracking'),
    user: ['p', 'u'],
  },
  'a server without CLIENT TRACKING': {
    told: /does not know CLIENT TRACKING, without which session_store\.near_cache cannot be used/,
    spoil: ({ proxy }) => {
      proxy.answer = (request) => (/TRACKING/.test(String(request)) ? lacking(String(request)) : undefined)
    },
  },
  'a server without RESP3': {
    told: /does not speak RESP3, without which session_store\.near_cache cannot be used/,
    spoil: ({ proxy }) => {
      proxy.answer = (request) => {
        const commands = String(request).match(/\*\d+\r\n/g)?.length ?? 0
        if (String(request).includes('HELLO\r\n$1\r\n3')) return '-NOPROTO unsupported version\r\n'.repeat(commands)
        return /HELLO/.test(String(request)) ? "-ERR unknown command 'HELLO'\r\n" : undefined
      }
    },
  },
  'a proxy that keeps messages to itself': {
    told: /messages about changes do not arrive, without which session_store\.near_cache cannot be used/,
    spoil: ({ proxy }) => {
      proxy.rewrite = (reply) =>
        Buffer.from(
          reply.toString('latin1').replaceAll(/>2\r\n\$10\r\ninvalidate\r\n\*1\r\n\$\d+\r\n.*\r\n/g, ''),
          'latin1',
        )
    },
  },
}

/** The handshake in one piece: what is understood, and what is not. */
function lacking(request: string): string {
  const greeting = '%3\r\n+server\r\n+redis\r\n+role\r\n+master\r\n+mode\r\n+standalone\r\n'
  const refusal = '-ERR unknown subcommand or wrong number of arguments for tracking\r\n'
  return (request.includes('HELLO') ? greeting : '') + refusal
}

for (const [name, { told, spoil, user }] of Object.entries(LACKING)) {
  test(`${name}: each request asks, and it is told once`, async (t) => {
    const rig = await startRedisRig(t)
    const second = await startSecondWay(t, rig)
    await spoil(rig)
    const warned: string[] = []
    const logger: Logger = { ...silentLogger, warn: (_, message) => void warned.push(message) }
    const other = await startRedisInstance(t, second)
    const redis = user === undefined ? {} : withPassword(...user)
    const { manager, subjectOf } = await startRedisInstance(t, rig, { redis, logger })
    assert.match(warned.join(), told)
    const { ticket } = await manager.create(sessionDraft())
    await until(AT_THE_LATEST_MS, async () => assert.equal(await countReads(rig, () => subjectOf(ticket)), 1))
    for (let i = 0; i < 3; i++) assert.equal(await countReads(rig, () => subjectOf(ticket)), 1)
    const { error } = await timed(() => other.manager.end(ticket, 'logout'))
    assert.equal(error, undefined)
    assert.equal(await subjectOf(ticket), undefined)
    rig.proxy.resetAll()
    const again = (await other.manager.create(sessionDraft())).ticket
    await until(2000, async () => assert.equal(await subjectOf(again), 'alice'))
    assert.equal(warned.length, 1, warned.join('; '))
  })
}
