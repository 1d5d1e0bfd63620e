import { createSessionManager } from '../../src/sessions/manager.ts'
import type { SessionManager } from '../../src/sessions/contract.ts'
import { CheckedMemory } from './checked-memory.ts'
import { Conduct, type Asked, type Violation } from './conduct.ts'
import { noteLogger } from './instance.ts'
import { judgeDeletion, type Bounds, type Facts } from './judge.ts'
import { createObserved } from './observed.ts'
import { createRandom } from './random.ts'
import { SimProvider } from './sim-provider.ts'
import { Simulation, type Owner } from './simulation.ts'
import { describeStep, type Action, type Profile, type Step } from './steps.ts'

const BOUNDS: Bounds = { recoveryMs: 0, unnoticedMs: 0, graceMs: 0, latencyMs: 0, writtenWithinMs: 1 }
const OPEN_WITHIN_MS = 45_000
const QUIET_MS = 60_000

interface MemoryInstance extends Asked {
  readonly manager: SessionManager & { close(): Promise<void> }
  readonly store: CheckedMemory
}

/** One process with its sessions in memory, in simulated time: nothing fails but the provider, and the process itself. */
export class MemoryWorld {
  readonly #seed: number
  readonly #profile: Profile
  readonly #sim = new Simulation()
  readonly #world: Owner = { name: 'world', isAlive: true }
  readonly #provider = new SimProvider(this.#sim)
  readonly #conduct = new Conduct(this.#sim, this.#provider, () => this.#facts)
  #instance: MemoryInstance
  #starts = 0
  #lossAt = Number.NEGATIVE_INFINITY

  constructor(seed: number, profile: Profile) {
    this.#seed = seed
    this.#profile = profile
    this.#instance = this.#start()
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

  /** Of simulated time. */
  get elapsedMs(): number {
    return this.#conduct.elapsedMs
  }

  /** Does the step and what follows it, up to the next; what fails elsewhere does not concern it. */
  async take(step: Step, number: number): Promise<void> {
    this.#conduct.step = number
    this.#conduct.note(`step ${number}: ${describeStep(step)}`)
    this.#sim.random = createRandom(step.seed)
    await this.#perform(step)
    await this.#sim.settle()
    await this.#sim.advance(step.waitMs)
    for (const who of this.#conduct.waitingFor(OPEN_WITHIN_MS)) this.#conduct.fail(`${who} never ends`)
  }

  async #perform(action: Action): Promise<void> {
    const conduct = this.#conduct
    switch (action.kind) {
      case 'create':
        return void conduct.create(this.#instance, action)
      case 'open':
        for (const _ of action.instances) conduct.open(this.#instance, action.session, action.deny)
        return
      case 'end':
        return void conduct.end(this.#instance, action.session)
      case 'endAll':
        return void conduct.endAll(this.#instance, action)
      case 'revoke':
        return conduct.revoke(action.session)
      case 'crash':
        conduct.bury(this.#instance)
        this.#lossAt = this.#sim.now
        this.#instance = this.#start()
        return
      case 'provider':
        this.#provider.state = action.state
        this.#sim.after(action.forMs, this.#world, () => {
          this.#provider.state = 'ok'
        })
        return
      case 'quiesce':
        return await this.#quiesce()
      default:
        return
    }
  }

  #start(): MemoryInstance {
    const observed = createObserved(`A${this.#starts}`)
    const clock = this.#sim.clockOf(observed.owner)
    const store = new CheckedMemory(this.#profile.memorySize ?? 0, clock, (what) => this.#conduct.fail(what))
    store.onEvicted = (key) => this.#noteEviction(key)
    store.onDeleted = (key) => {
      const session = this.#conduct.byKey.get(key)
      this.#conduct.report(session?.number, judgeDeletion(session, this.#profile))
    }
    const random = createRandom(this.#seed ^ (this.#starts++ * 7919))
    const manager = createSessionManager({
      store,
      clock,
      logger: noteLogger(observed.name, (line) => this.#conduct.note(line)),
      random: (count) => random.bytes(count),
      lifetimes: this.#profile,
      refresh: { refreshBeforeMs: 60_000, onRefreshFailure: this.#profile.onRefreshFailure },
    })
    manager.onRefresh((session, maySend) => this.#provider.refresh(observed, session, maySend))
    return Object.assign(observed, { store, manager })
  }

  #noteEviction(key: string): void {
    const session = this.#conduct.byKey.get(key)
    if (session === undefined) return
    this.#conduct.note(`    session ${session.number} is evicted`)
    session.mayBeEnded = true
  }

  async #quiesce(): Promise<void> {
    this.#provider.state = 'ok'
    await this.#sim.advance(QUIET_MS)
    for (const who of this.#conduct.waitingFor(0)) this.#conduct.fail(`${who} never ends`)
    this.#instance.store.countSessions()
    for (const { number, first } of this.#conduct.sessions.values()) {
      if (first.expiresAt > this.#sim.now) this.#conduct.open(this.#instance, number, false)
    }
    await this.#sim.settle()
  }

  get #facts(): Facts {
    return {
      profile: { ...this.#profile, nearCacheSize: undefined, skewMs: 0 },
      bounds: BOUNDS,
      presenceOf: ({ key }) => this.#instance.store.timeline(key),
      lossAt: this.#lossAt,
    }
  }
}
