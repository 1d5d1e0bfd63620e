import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger } from '../../src/kernel/logger.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { SessionManager } from '../../src/sessions/contract.ts'
import { createSessionManager } from '../../src/sessions/manager.ts'
import { createRedisStore, type RedisSessionStore } from '../../src/sessions/redis.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts'
import { redisOptions } from '../support/redis-options.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { Conduct, type Asked, type Violation } from './conduct.ts'
import { judgeOpen, type Bounds, type Facts, type Presence } from './judge.ts'
import { createObserved } from './observed.ts'
import { createRandom, type Random } from './random.ts'
import { checkKeys } from './redis-keys.ts'
import { describeRedisStep, REDIS_INSTANCES, type RedisAction, type RedisStep } from './redis-steps.ts'
import { SimProvider } from './sim-provider.ts'
import type { Events, Owner } from './simulation.ts'
import { nameOfInstance } from './steps.ts'
import type { TrueSession } from './truth.ts'
import { Watchdog } from './watchdog.ts'

interface RedisInstance extends Asked {
  readonly slot: number
  readonly manager: SessionManager & { close(): Promise<void> }
  readonly store: RedisSessionStore
  readonly proxy: FaultProxy
}

const PROFILE = {
  nearCacheSize: 1_000,
  idleTimeoutMs: 6_000,
  lifetimeMs: 60_000,
  onRefreshFailure: 'keep',
  skewMs: 0,
} as const
const MAX_AGE_MS = 2_000
/** Longer than by default: the machine has other things to do. */
const COMMAND_TIMEOUT_MS = 500
const BOUNDS: Bounds = {
  recoveryMs: 2_500,
  unnoticedMs: 250 + COMMAND_TIMEOUT_MS + 250,
  graceMs: 1_000,
  latencyMs: 500,
  writtenWithinMs: 1_000,
}
const OPEN_WITHIN_MS = 20_000
/** What was owed to the store is told within a second of its return. */
const QUIET_MS = 1_500

/** Real time. */
class RealTime implements Events {
  random: Random = createRandom(0)

  get now(): number {
    return Date.now()
  }

  after(delayMs: number, owner: Owner, run: () => void): () => void {
    const timer = setTimeout(() => {
      if (owner.isAlive) run()
    }, delayMs)
    return () => clearTimeout(timer)
  }
}

/** Three instances on one real Redis, each with a way of its own to it, in real time: what is true is known from what was answered. */
export class RedisWorld {
  readonly #events = new RealTime()
  readonly #provider = new SimProvider(this.#events)
  readonly #conduct = new Conduct(this.#events, this.#provider, () => this.#facts)
  readonly #server: RedisServer
  readonly #instances: RedisInstance[] = []
  readonly #watchdog: Watchdog
  /** Faults that are on their way to their end. */
  readonly #faults = new Set<Promise<unknown>>()
  #starts = 0
  #lossAt = Number.NEGATIVE_INFINITY
  #isBroken = false

  static async start(): Promise<RedisWorld> {
    const args = ['--enable-debug-command', 'local']
    const world = new RedisWorld(await startRedisServer({ persist: true, args }))
    for (let slot = 0; slot < REDIS_INSTANCES; slot++) world.#instances.push(await world.#startInstance(slot))
    return world
  }

  private constructor(server: RedisServer) {
    this.#server = server
    this.#watchdog = new Watchdog(server.port, (from, to) => {
      for (const { trouble } of this.#instances) trouble.add(from, to)
    })
  }

  get violation(): Violation | undefined {
    return this.#conduct.violation
  }

  get history(): readonly string[] {
    return this.#conduct.history
  }

  get counts(): Conduct['counts'] {
    return { ...this.#conduct.counts, refreshes: this.#provider.refreshes }
  }

  async take(step: RedisStep, number: number): Promise<void> {
    this.#conduct.step = number
    this.#conduct.note(`step ${number}: ${describeRedisStep(step)}`)
    this.#events.random = createRandom(step.seed)
    await this.#perform(step)
    if (step.waitMs > 0) await sleep(step.waitMs)
    for (const who of this.#conduct.waitingFor(OPEN_WITHIN_MS)) this.#conduct.fail(`${who} never ends`)
  }

  async close(): Promise<void> {
    this.#watchdog.close()
    this.#server.resume()
    await Promise.all(this.#instances.map((instance) => this.#stop(instance)))
    await this.#server.close()
  }

  async #perform(action: RedisAction): Promise<void> {
    const conduct = this.#conduct
    switch (action.kind) {
      case 'create':
        return void conduct.create(this.#at(action.instance), action)
      case 'open':
        for (const slot of action.instances) conduct.open(this.#at(slot), action.session, action.deny)
        return
      case 'end':
        return void conduct.end(this.#at(action.instance), action.session)
      case 'endAll':
        return void conduct.endAll(this.#at(action.instance), action)
      case 'revoke':
        return conduct.revoke(action.session)
      case 'crash':
        return await this.#crash(action.instance)
      case 'provider':
        this.#provider.state = action.state
        return this.#run(async () => {
          await sleep(action.forMs)
          this.#provider.state = 'ok'
        })
      case 'empty':
        return await this.#empty()
      case 'redis':
        return this.#breakRedis(action)
      case 'way':
        return this.#breakWay(action)
      case 'quiesce':
        return await this.#quiesce()
      case 'wait':
        return
    }
  }

  /** One thing at a time happens to the server; each begins now, and is mended while the steps go on. */
  #breakRedis({ fault, forMs }: RedisAction & { readonly kind: 'redis' }): void {
    if (this.#isBroken) return
    this.#isBroken = true
    const server = this.#server
    const config = (name: string, value: string) => server.command('CONFIG', 'SET', name, value)
    const breakIt: Record<typeof fault, () => Promise<unknown>> = {
      stopped: async () => {
        server.pause()
        await sleep(forMs)
        server.resume()
      },
      killed: async () => {
        await server.stop()
        await sleep(forMs)
        await server.start()
      },
      busy: () => server.command('DEBUG', 'SLEEP', String(forMs / 1000)),
      paused: async () => {
        await server.command('CLIENT', 'PAUSE', String(forMs), 'ALL')
        await sleep(forMs)
      },
      paused_for_writes: async () => {
        await server.command('CLIENT', 'PAUSE', String(forMs), 'WRITE')
        await sleep(forMs)
      },
      clients_killed: () => server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
      full: async () => {
        await config('maxmemory', '1')
        await sleep(forMs)
        await config('maxmemory', '0')
      },
      alone: async () => {
        await config('min-replicas-to-write', '1')
        await sleep(forMs)
        await config('min-replicas-to-write', '0')
      },
    }
    this.#trouble(this.#instances, async () => {
      await breakIt[fault]()
      this.#isBroken = false
    })
  }

  #breakWay({ instance: slot, fault, forMs }: RedisAction & { readonly kind: 'way' }): void {
    const instance = this.#at(slot)
    const { proxy } = instance
    this.#trouble([instance], async () => {
      if (fault === 'reset') return proxy.resetAll()
      if (fault === 'cut_short') proxy.cutAfterBytes = 5
      if (fault === 'slow') proxy.delayMs = () => Math.random() * 100
      if (fault === 'silent') proxy.blackHole = true
      await sleep(forMs)
      proxy.delayMs = 0
      proxy.cutAfterBytes = undefined
      // What it swallowed would have come in the end, or the connection would have broken.
      if (proxy.blackHole) proxy.resetAll()
      proxy.blackHole = false
    })
  }

  /** Something is wrong from now until `run` is done. */
  #trouble(instances: readonly RedisInstance[], run: () => Promise<void>): void {
    const from = this.#events.now
    // As it begins, since it may be looked at before it ends.
    for (const { trouble } of instances) trouble.add(from, from + 10_000)
    this.#run(async () => {
      await run()
      for (const { trouble } of instances) trouble.cut(from, this.#events.now)
    })
  }

  #run(run: () => Promise<void>): void {
    const fault = run().catch((cause: unknown) => this.#conduct.fail(`the test itself: ${String(cause)}`))
    this.#faults.add(fault)
    void fault.finally(() => this.#faults.delete(fault))
  }

  /** It cannot be killed alone; but nothing that it does from now on reaches anybody. */
  async #crash(slot: number): Promise<void> {
    const dead = this.#at(slot)
    this.#conduct.bury(dead)
    await this.#stop(dead)
    if (this.#isBroken) await Promise.all(this.#faults)
    this.#instances[slot] = await this.#startInstance(slot)
  }

  async #stop({ owner, proxy, store, manager }: RedisInstance): Promise<void> {
    owner.isAlive = false
    await proxy.close()
    await store.close()
    // What it waits for does not come.
    void manager.close()
  }

  async #startInstance(slot: number): Promise<RedisInstance> {
    const observed = createObserved(`${nameOfInstance(slot)}${this.#starts++}`)
    const proxy = await startFaultProxy(this.#server.port)
    const options = redisOptions(proxy, { commandTimeoutMs: COMMAND_TIMEOUT_MS })
    const store = createRedisStore(options, systemClock, silentLogger)
    const manager = createSessionManager({
      store,
      clock: systemClock,
      logger: silentLogger,
      lifetimes: PROFILE,
      refresh: { refreshBeforeMs: 500, onRefreshFailure: PROFILE.onRefreshFailure },
      nearCache: {
        maxSessions: PROFILE.nearCacheSize,
        maxAgeMs: MAX_AGE_MS,
        outageGraceMs: BOUNDS.graceMs,
      },
    })
    manager.onRefresh((session, maySend) => this.#provider.refresh(observed, session, maySend))
    await store.start()
    return Object.assign(observed, { slot, proxy, store, manager })
  }

  async #empty(): Promise<void> {
    await Promise.all(this.#faults)
    this.#lossAt = this.#events.now
    await this.#server.command('FLUSHALL')
    this.#conduct.note('  the store is empty')
  }

  /** Everything is mended: what is known everywhere is what is true, and nothing is left behind in the store. */
  async #quiesce(): Promise<void> {
    await Promise.all(this.#faults)
    await until(5_000, () => Promise.all(this.#instances.map(({ store }) => store.ping())))
    await sleep(QUIET_MS)
    const owed = [...this.#conduct.sessions.values()].filter(({ ends }) =>
      ends.some((end) => end.instance.owner.isAlive),
    )
    for (const session of owed) for (const instance of this.#instances) await this.#checkEnded(session, instance)
    const problem = await checkKeys(this.#server)
    if (problem !== undefined) this.#conduct.fail(problem)
  }

  async #checkEnded(session: TrueSession, instance: RedisInstance): Promise<void> {
    const from = this.#events.now
    const found = await instance.manager.open(session.ticket)
    if (found !== undefined)
      this.#conduct.report(session.number, `it was ended, and is accepted by ${instance.name} when all is quiet`)
    const call = { instance, from, to: this.#events.now, tokenBefore: 0 }
    this.#conduct.report(session.number, judgeOpen(session, call, { session: found }, this.#facts))
  }

  get #facts(): Facts {
    this.#watchdog.look()
    return {
      profile: PROFILE,
      bounds: BOUNDS,
      presenceOf: (session) => this.#presenceOf(session),
      lossAt: this.#lossAt,
    }
  }

  /** From what was asked and answered. */
  #presenceOf({ ends, begunAt, family }: TrueSession): Presence {
    const lossAt = this.#lossAt >= begunAt ? this.#lossAt : undefined
    const endedAt = (by: number): number | undefined => {
      const done = ends.filter(({ outcome }) => outcome === 'ended' || outcome === 'nothing')
      const times = [...done.map(({ settledAt }) => settledAt ?? Infinity), lossAt ?? Infinity].filter((at) => at <= by)
      return times.length === 0 ? undefined : Math.min(...times)
    }
    return {
      endedAt,
      wasThere: (from) => endedAt(from) === undefined,
      wasMissing: (_from, to) =>
        ends.some(({ calledAt }) => calledAt <= to) || (lossAt ?? Infinity) <= to || family?.hasRejected === true,
    }
  }

  #at(slot: number): RedisInstance {
    const instance = this.#instances[slot]
    if (instance === undefined) throw new Error(`there is no instance ${slot}`)
    return instance
  }
}
