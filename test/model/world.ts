import { Conduct, type Violation } from './conduct.ts'
import { GRACE_MS, MAX_AGE_MS, startInstance, type Instance } from './instance.ts'
import { judgeDeletion, type Bounds, type Facts } from './judge.ts'
import { createRandom } from './random.ts'
import { SimNetwork } from './sim-network.ts'
import { SimProvider, type Spend } from './sim-provider.ts'
import { Simulation } from './simulation.ts'
import { describeStep, type Action, type Profile, type Step } from './steps.ts'
import { storedNumber, type TrueSession } from './truth.ts'

const BOUNDS: Bounds = {
  recoveryMs: 2_000,
  unnoticedMs: 600,
  graceMs: GRACE_MS,
  latencyMs: 100,
  writtenWithinMs: 1_000,
}
/** Nobody waits longer for `open`. */
const OPEN_WITHIN_MS = 45_000
/** Longer than a lease, a late call at the provider, and whatever is tried again. */
const QUIET_MS = 60_000
const NO_STRAGGLERS_AFTER_MS = 90_000
/** For so long new tokens are kept that cannot be stored. */
const GIVEN_UP_AFTER_MS = 590_000
/** Sessions that are looked at when everything is quiet. */
const LOOKED_AT = 40

/** Some instances, one store, one provider, all in simulated time, where everything that is true can be known. */
export class World {
  readonly #seed: number
  readonly #profile: Profile
  readonly #sim = new Simulation()
  readonly #network = new SimNetwork(this.#sim)
  readonly #provider = new SimProvider(this.#sim)
  readonly #conduct = new Conduct(this.#sim, this.#provider, () => this.#facts)
  readonly #instances: Instance[] = []
  #starts = 0
  #lossAt = Number.NEGATIVE_INFINITY
  #storeAwayUntil = 0
  /** Faults that were mended end nothing any more. */
  #generation = 0

  constructor(seed: number, profile: Profile) {
    this.#seed = seed
    this.#profile = profile
    for (let slot = 0; slot < profile.instances; slot++) this.#instances.push(this.#start(slot))
    this.#network.server.onDeleted = (key) => this.#noteDeletion(key)
    this.#network.server.onUpdated = (key) => this.#noteUpdate(key)
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

  /** Does the step and what follows it, up to the next. */
  async take(step: Step, number: number): Promise<void> {
    this.#conduct.step = number
    this.#conduct.note(`step ${number}: ${describeStep(step)}`)
    this.#sim.random = createRandom(step.seed)
    await this.#perform(step)
    await this.#sim.settle()
    await this.#sim.advance(step.waitMs)
    this.#checkWaiting()
  }

  async #perform(action: Action): Promise<void> {
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
        return this.#crash(action.instance)
      case 'pause': {
        const { owner, trouble } = this.#at(action.instance)
        trouble.add(this.#sim.now, this.#sim.now + action.forMs)
        owner.pausedUntil = Math.max(owner.pausedUntil ?? 0, this.#sim.now + action.forMs)
        return
      }
      case 'provider':
        this.#provider.state = action.state
        return this.#later(action.forMs, () => {
          this.#provider.state = 'ok'
        })
      case 'quiesce':
        return await this.#quiesce()
      case 'wait':
        return
      default:
        return this.#spoil(action)
    }
  }

  #spoil(action: Action & { readonly kind: 'server' | 'path' | 'failover' | 'empty' }): void {
    switch (action.kind) {
      case 'server':
        this.#trouble(action.forMs)
        this.#network.setState(action.state)
        return this.#later(action.forMs, () => this.#network.setState('up'))
      case 'path':
        return this.#spoilPath(action)
      case 'failover': {
        this.#trouble(action.downMs)
        this.#lossAt = this.#sim.now
        this.#network.setState('down')
        for (const key of this.#network.failOver(action.lostWrites)) this.#noteLoss(key)
        return this.#later(action.downMs, () => this.#network.setState('up'))
      }
      case 'empty':
        this.#lossAt = this.#sim.now
        return this.#network.empty()
    }
  }

  #spoilPath({ instance: slot, fault, forMs }: Action & { readonly kind: 'path' }): void {
    const { faults, store, trouble } = this.#at(slot)
    const until = this.#sim.now + forMs
    trouble.add(this.#sim.now, fault === 'reset' ? this.#sim.now : until)
    switch (fault) {
      case 'reset':
        return store.cut()
      case 'cut':
        faults.cutUntil = until
        return store.cut()
      case 'stall':
        faults.stalledUntil = until
        return store.noticeStall()
      case 'slow':
        faults.slowMs = this.#sim.random.between(20, 200)
        return this.#later(forMs, () => {
          faults.slowMs = 0
        })
      case 'flaky':
        Object.assign(faults, { failBefore: 0.2, failAfter: 0.1 })
        return this.#later(forMs, () => {
          Object.assign(faults, { failBefore: 0, failAfter: 0 })
        })
    }
  }

  #crash(slot: number): void {
    const instance = this.#at(slot)
    this.#conduct.bury(instance)
    instance.store.abandon()
    this.#instances[slot % this.#instances.length] = this.#start(slot)
  }

  #start(slot: number): Instance {
    const instance = startInstance({
      slot,
      start: this.#starts++,
      seed: this.#seed,
      profile: this.#profile,
      network: this.#network,
      provider: this.#provider,
      note: (line) => this.#conduct.note(line),
    })
    // It takes a moment until it is connected, and longer while there is nothing to connect to.
    instance.trouble.add(this.#sim.now, Math.max(this.#sim.now + 10, this.#storeAwayUntil))
    return instance
  }

  /** Ends a fault, unless everything was mended before. */
  #later(delayMs: number, run: () => void): void {
    const generation = this.#generation
    this.#sim.after(delayMs, this.#network.world, () => {
      if (this.#generation === generation) run()
    })
  }

  /** Of all instances. */
  #trouble(forMs: number): void {
    const { now } = this.#sim
    this.#storeAwayUntil = Math.max(this.#storeAwayUntil, now + forMs)
    for (const { trouble } of this.#instances) trouble.add(now, now + forMs)
  }

  async #quiesce(): Promise<void> {
    this.#mend()
    await this.#sim.advance(QUIET_MS)
    this.#checkWaiting()
    await this.#checkStragglers()
    for (const session of [...this.#conduct.sessions.values()].slice(-LOOKED_AT)) {
      if (this.violation !== undefined) return
      this.#checkSession(session)
      for (const instance of this.#instances) this.#conduct.open(instance, session.number, false)
      await this.#sim.settle()
    }
    await this.#sim.advance(MAX_AGE_MS / 2)
  }

  #mend(): void {
    this.#generation++
    this.#network.setState('up')
    this.#provider.state = 'ok'
    this.#storeAwayUntil = 0
    for (const { faults } of this.#instances)
      Object.assign(faults, { stalledUntil: 0, cutUntil: 0, slowMs: 0, failBefore: 0, failAfter: 0 })
  }

  async #checkStragglers(): Promise<void> {
    const stragglers = (): string[] => [
      ...this.#instances
        .filter(({ owner }) => this.#sim.pendingOf(owner) > 0)
        .map(({ name, owner }) => `${this.#sim.pendingOf(owner)} timers at ${name}`),
      ...this.#conduct.waitingFor(0),
      ...[...this.#network.server.leases].filter(([, { endsAt }]) => endsAt > this.#sim.now).map(() => 'a lease'),
      ...(this.#provider.waiting > 0 ? [`${this.#provider.waiting} calls at the provider`] : []),
    ]
    for (let waited = 0; waited < NO_STRAGGLERS_AFTER_MS && stragglers().length > 0; waited += 5_000)
      await this.#sim.advance(5_000)
    const left = stragglers()
    if (left.length > 0) this.#conduct.fail(`something is left although all is quiet: ${left.join(', ')}`)
  }

  /** What the store holds when all is quiet. */
  #checkSession(session: TrueSession): void {
    const record = this.#network.server.live(session.key)
    if (record === undefined) return
    // Also when a failover has brought it back: whoever ended it tells the store again.
    if (session.ends.some(({ instance, outcome }) => instance.owner.isAlive && outcome === 'ended'))
      this.#conduct.report(session.number, 'it was ended, and is in the store again')
    if (this.#lossAt >= session.begunAt) return
    if (session.ends.some(({ instance }) => instance.owner.isAlive))
      this.#conduct.report(session.number, 'it was ended, and is still in the store')
    const { family } = session
    if (family === undefined || !family.isRotating) return
    for (let number = storedNumber(session, record); number < family.issued; number++) {
      const spend = this.#provider.spendOf(family, number)
      const isExcused = spend === undefined || spend.isUncertain || !spend.by.owner.isAlive || isGivenUp(spend)
      if (isExcused) continue
      this.#conduct.report(session.number, `refresh token ${number} was used and its successor is not in the store`)
    }
  }

  #checkWaiting(): void {
    for (const who of this.#conduct.waitingFor(OPEN_WITHIN_MS)) this.#conduct.fail(`${who} never ends`)
  }

  #noteDeletion(key: string): void {
    const session = this.#conduct.byKey.get(key)
    this.#conduct.note(`    store: session ${session?.number ?? '?'} is removed`)
    this.#conduct.report(session?.number, judgeDeletion(session, this.#profile))
  }

  #noteUpdate(key: string): void {
    const session = this.#conduct.byKey.get(key)
    const record = this.#network.server.live(key)
    if (session === undefined || record === undefined) return
    const number = storedNumber(session, record)
    this.#conduct.note(`    store: session ${session.number} is written, refresh token ${number}`)
    if (number < session.stored)
      this.#conduct.report(session.number, `refresh token ${number} replaces ${session.stored}`)
    session.stored = number
    if (!session.storedAt.has(number)) session.storedAt.set(number, this.#sim.now)
  }

  #noteLoss(key: string): void {
    const session = this.#conduct.byKey.get(key)
    const record = this.#network.server.live(key)
    if (session !== undefined) this.#conduct.note(`    store: writes of session ${session.number} are lost`)
    if (session !== undefined && record !== undefined) session.stored = storedNumber(session, record)
  }

  get #facts(): Facts {
    return {
      profile: this.#profile,
      bounds: BOUNDS,
      presenceOf: ({ key }) => this.#network.server.timeline(key),
      lossAt: this.#lossAt,
    }
  }

  #at(slot: number): Instance {
    const instance = this.#instances[slot % this.#instances.length]
    if (instance === undefined) throw new Error('there are no instances')
    return instance
  }
}

/** Whether the store was away for so long that the new tokens were given up. */
function isGivenUp({ by, doneAt }: Spend): boolean {
  return by.trouble.within(doneAt, doneAt + GIVEN_UP_AFTER_MS) >= GIVEN_UP_AFTER_MS
}
