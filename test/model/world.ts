import type { Session, SessionDraft, SessionsOf, SessionTokens } from '../../src/sessions/contract.ts'
import { GRACE_MS, MAX_AGE_MS, startInstance, type Instance } from './instance.ts'
import {
  judgeDeletion,
  judgeError,
  judgeOpen,
  judgeSpend,
  type Bounds,
  type Call,
  type Facts,
  type Outcome,
} from './judge.ts'
import { createRandom } from './random.ts'
import { SimNetwork } from './sim-network.ts'
import { SimProvider, type Spend, type TokenFamily } from './sim-provider.ts'
import { Simulation } from './simulation.ts'
import { describeStep, type Action, type Profile, type Step } from './steps.ts'
import {
  createTrueSession,
  isMeant,
  noteTry,
  noteUse,
  numberOfAccessToken,
  storedNumber,
  type EndAllCall,
  type EndCall,
  type TrueSession,
} from './truth.ts'

/** What went against the model. */
export interface Violation {
  /** Counts from 1. */
  readonly step: number
  readonly what: string
}

const BOUNDS: Bounds = {
  recoveryMs: 2_000,
  unnoticedMs: 600,
  graceMs: GRACE_MS,
  latencyMs: 100,
  writtenWithinMs: 1_000,
}
const MAX_HISTORY = 120
/** Nobody waits longer for `open`. */
const OPEN_WITHIN_MS = 45_000
/** Longer than a lease, a late call at the provider, and whatever is tried again. */
const QUIET_MS = 60_000
const NO_STRAGGLERS_AFTER_MS = 90_000
/** For so long new tokens are kept that cannot be stored. */
const GIVEN_UP_AFTER_MS = 590_000
/** Sessions that are looked at when everything is quiet. */
const LOOKED_AT = 40

/** Some instances, one store, one provider, and what is true. */
export class World {
  readonly #seed: number
  readonly #profile: Profile
  readonly #sim = new Simulation()
  readonly #network = new SimNetwork(this.#sim)
  readonly #provider = new SimProvider(this.#sim)
  readonly #instances: Instance[] = []
  readonly #sessions = new Map<number, TrueSession>()
  readonly #byKey = new Map<string, TrueSession>()
  readonly #endAlls: EndAllCall[] = []
  readonly #history: string[] = []
  readonly #waiting = new Set<{ readonly instance: Instance; readonly since: number; readonly what: string }>()
  readonly #begun: number
  #starts = 0
  #step = 0
  #lossAt = Number.NEGATIVE_INFINITY
  /** The last change of the store's, a path's and the provider's state is the one that counts. */
  #generation = 0
  violation: Violation | undefined
  readonly counts = { accepted: 0, refused: 0, unavailable: 0, created: 0, ended: 0 }

  constructor(seed: number, profile: Profile) {
    this.#seed = seed
    this.#profile = profile
    this.#begun = this.#sim.now
    for (let slot = 0; slot < profile.instances; slot++) this.#instances.push(this.#start(slot))
    this.#network.server.onDeleted = (key) => this.#noteDeletion(key)
    this.#network.server.onUpdated = (key) => this.#noteUpdate(key)
    this.#provider.onSpentAgain = (first, again) => {
      const session = this.#sessions.get(Number(first.family.name))
      if (session !== undefined) this.#report(session.number, judgeSpend(session, first, again, this.#facts))
    }
  }

  get history(): readonly string[] {
    return this.#history
  }

  /** Of simulated time. */
  get elapsedMs(): number {
    return this.#sim.now - this.#begun
  }

  get refreshes(): number {
    return this.#provider.refreshes
  }

  /** Does the step and what follows it, up to the next. */
  async take(step: Step, number: number): Promise<void> {
    this.#step = number
    this.#note(`step ${number}: ${describeStep(step)}`)
    this.#sim.random = createRandom(step.seed)
    await this.#perform(step)
    await this.#sim.settle()
    await this.#sim.advance(step.waitMs)
    this.#checkWaiting()
  }

  async #perform(action: Action): Promise<void> {
    switch (action.kind) {
      case 'create':
        return void this.#create(action)
      case 'open':
        for (const slot of action.instances) this.#open(action.session, slot, action.deny)
        return
      case 'end':
        return void this.#end(action.session, action.instance)
      case 'endAll':
        return void this.#endAll(action)
      case 'revoke': {
        const family = this.#sessions.get(action.session)?.family
        if (family !== undefined) family.isRevoked = true
        return
      }
      case 'crash':
        return this.#crash(action.instance)
      case 'server':
        this.#trouble(this.#instances, action.forMs)
        this.#network.setState(action.state)
        return this.#later(action.forMs, () => this.#network.setState('up'))
      case 'path':
        return this.#spoilPath(action)
      case 'failover': {
        this.#trouble(this.#instances, action.downMs)
        this.#lossAt = this.#sim.now
        this.#network.setState('down')
        const lost = this.#network.failOver(action.lostWrites)
        for (const key of lost) this.#noteLoss(key)
        return this.#later(action.downMs, () => this.#network.setState('up'))
      }
      case 'empty':
        this.#lossAt = this.#sim.now
        return this.#network.empty()
      case 'provider':
        this.#provider.state = action.state
        return this.#later(action.forMs, () => {
          this.#provider.state = 'ok'
        })
      case 'quiesce':
        return await this.#quiesce()
      case 'wait':
        return
    }
  }

  async #create({ session: number, instance: slot, person, ...login }: Action & { kind: 'create' }): Promise<void> {
    const instance = this.#at(slot)
    if (instance === undefined) return
    const from = this.#sim.now
    const { tokens, family } = this.#issueTokens(number, login)
    const settled = this.#begin(instance, `create of ${number}`)
    try {
      const { ticket, session } = await instance.manager.create(draftOf(number, person, tokens))
      const created = createTrueSession(number, ticket, session, family)
      created.mayBeEnded = this.#endAlls.some((call) => mayHaveEnded(call, from, session))
      this.#sessions.set(number, created)
      this.#byKey.set(created.key, created)
      this.counts.created++
      this.#note(`  ${instance.name} created session ${number}`)
      if (!this.#network.server.timeline(created.key).wasThere(from, this.#sim.now))
        this.#report(number, 'it is said to be created, and is not')
    } catch (error) {
      this.#note(`  ${instance.name} could not create session ${number}`)
      this.#report(number, judgeError({ instance, from, to: this.#sim.now }, error, BOUNDS))
    } finally {
      settled()
    }
  }

  #issueTokens(
    number: number,
    { accessLifeMs, isRotating }: Pick<Action & { kind: 'create' }, 'accessLifeMs' | 'isRotating'>,
  ): { readonly tokens: SessionTokens; readonly family: TokenFamily | undefined } {
    const name = String(number)
    const tokens = this.#provider.issueFirst(name, isRotating, accessLifeMs ?? 300_000)
    if (accessLifeMs === undefined) return { tokens: { ...tokens, refreshToken: undefined }, family: undefined }
    return { tokens, family: this.#provider.families.get(name) }
  }

  #open(number: number, slot: number, deny: boolean): void {
    const instance = this.#at(slot)
    const session = this.#sessions.get(number)
    if (instance === undefined || session === undefined) return
    const from = this.#sim.now
    noteTry(session, from)
    const settled = this.#begin(instance, `open of ${number}`)
    const tokenBefore = instance.tokensGiven.get(number) ?? 0
    const judge = (outcome: Outcome): void => {
      settled()
      this.#judge(session, { instance, from, to: this.#sim.now, tokenBefore }, outcome)
    }
    try {
      const opened = instance.manager.open(session.ticket, deny ? 'deny' : 'grace')
      if (!(opened instanceof Promise)) return judge({ session: opened })
      opened.then(
        (found) => judge({ session: found }),
        (error: unknown) => judge({ error }),
      )
    } catch (error) {
      judge({ error })
    }
  }

  #judge(session: TrueSession, call: Call, outcome: Outcome): void {
    const { instance, from } = call
    const found = 'session' in outcome ? outcome.session : undefined
    const took = call.to === from ? 'at once' : `after ${(call.to - from).toFixed(1)} ms`
    let told = 'unavailable'
    if ('session' in outcome) told = found === undefined ? 'none' : `token ${numberOfAccessToken(found)}`
    this.#note(`  session ${session.number} at ${instance.name}: ${told} ${took}`)
    if ('error' in outcome) this.counts.unavailable++
    else this.counts[found === undefined ? 'refused' : 'accepted']++
    this.#report(session.number, judgeOpen(session, call, outcome, this.#facts))
    if (found === undefined) return
    noteUse(session, instance, from)
    const known = instance.tokensGiven.get(session.number) ?? 0
    instance.tokensGiven.set(session.number, Math.max(known, numberOfAccessToken(found)))
  }

  async #end(number: number, slot: number): Promise<void> {
    const instance = this.#at(slot)
    const session = this.#sessions.get(number)
    if (instance === undefined || session === undefined) return
    const from = this.#sim.now
    if (!instance.endsCalled.has(number)) instance.endsCalled.set(number, from)
    const call: EndCall = { instance, calledAt: from, settledAt: undefined, outcome: 'pending' }
    session.ends.push(call)
    const settled = this.#begin(instance, `end of ${number}`)
    try {
      call.outcome = (await instance.manager.end(session.ticket, 'logout')) === undefined ? 'nothing' : 'ended'
      this.counts.ended++
      if (!this.#network.server.timeline(session.key).wasMissing(from, this.#sim.now))
        this.#report(number, 'it is said to be ended, and is not')
    } catch (error) {
      call.outcome = 'failed'
      this.#report(number, judgeError({ instance, from, to: this.#sim.now }, error, BOUNDS))
    } finally {
      settled()
      call.settledAt = this.#sim.now
      this.#note(`  session ${number} at ${instance.name}, to be ended: ${call.outcome}`)
    }
  }

  async #endAll({ session: number, instance: slot, by }: Action & { kind: 'endAll' }): Promise<void> {
    const instance = this.#at(slot)
    const like = this.#sessions.get(number)?.first
    if (instance === undefined || like === undefined) return
    const { issuer, subject, sid = '' } = like
    const of = { issuer, ...(by === 'sid' ? {} : { subject }), ...(by === 'subject' ? {} : { sid }) } as SessionsOf
    const from = this.#sim.now
    const call: EndAllCall = { instance, of, calledAt: from, settledAt: undefined, outcome: 'pending' }
    this.#endAlls.push(call)
    const meant = [...this.#sessions.values()].filter(({ first }) => isMeant(first, of))
    for (const { ends } of meant) ends.push(call)
    const settled = this.#begin(instance, `end of all sessions like ${number}`)
    try {
      const count = await instance.manager.endAll(of, 'backchannel')
      call.outcome = count === 0 ? 'nothing' : 'ended'
      this.counts.ended += count
      for (const session of meant)
        if (!this.#network.server.timeline(session.key).wasMissing(from, this.#sim.now))
          this.#report(session.number, 'it is said to be ended with all others, and is not')
    } catch (error) {
      call.outcome = 'failed'
      this.#report(number, judgeError({ instance, from, to: this.#sim.now }, error, BOUNDS))
    } finally {
      settled()
      call.settledAt = this.#sim.now
      this.#note(`  sessions like ${number} at ${instance.name}, to be ended: ${call.outcome}`)
    }
  }

  #crash(slot: number): void {
    const instance = this.#at(slot)
    if (instance === undefined) return
    instance.owner.isAlive = false
    instance.diedAt = this.#sim.now
    instance.store.abandon()
    for (const wait of this.#waiting) if (wait.instance === instance) this.#waiting.delete(wait)
    this.#instances[slot] = this.#start(slot)
  }

  #start(slot: number): Instance {
    const instance = startInstance({
      slot,
      start: this.#starts++,
      seed: this.#seed,
      profile: this.#profile,
      network: this.#network,
      provider: this.#provider,
      note: (line) => this.#note(line),
    })
    // It takes a moment until it is connected, and longer while there is nothing to connect to.
    instance.trouble.add(this.#sim.now, Math.max(this.#sim.now + 10, this.#storeAwayUntil))
    return instance
  }

  #storeAwayUntil = 0

  #spoilPath({ instance: slot, fault, forMs }: Action & { kind: 'path' }): void {
    const instance = this.#at(slot)
    if (instance === undefined) return
    const { faults, store } = instance
    const until = this.#sim.now + forMs
    instance.trouble.add(this.#sim.now, fault === 'reset' ? this.#sim.now : until)
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
        faults.failBefore = 0.2
        faults.failAfter = 0.1
        return this.#later(forMs, () => {
          faults.failBefore = 0
          faults.failAfter = 0
        })
    }
  }

  /** Ends a fault, unless everything was mended before. */
  #later(delayMs: number, run: () => void): void {
    const generation = this.#generation
    this.#sim.after(delayMs, this.#network.world, () => {
      if (this.#generation === generation) run()
    })
  }

  #trouble(instances: readonly Instance[], forMs: number): void {
    const { now } = this.#sim
    this.#storeAwayUntil = Math.max(this.#storeAwayUntil, now + forMs)
    for (const { trouble } of instances) trouble.add(now, now + forMs)
  }

  async #quiesce(): Promise<void> {
    this.#mend()
    await this.#sim.advance(QUIET_MS)
    this.#checkWaiting()
    await this.#checkStragglers()
    if (this.violation !== undefined) return
    for (const session of [...this.#sessions.values()].slice(-LOOKED_AT)) {
      this.#checkSession(session)
      for (const { slot } of this.#instances) this.#open(session.number, slot, false)
      await this.#sim.settle()
      if (this.violation !== undefined) return
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
      ...[...this.#waiting].map(({ what, instance }) => `${what} at ${instance.name}`),
      ...[...this.#network.server.leases].filter(([, { endsAt }]) => endsAt > this.#sim.now).map(() => 'a lease'),
      ...(this.#provider.waiting > 0 ? [`${this.#provider.waiting} calls at the provider`] : []),
    ]
    for (let waited = 0; waited < NO_STRAGGLERS_AFTER_MS && stragglers().length > 0; waited += 5_000)
      await this.#sim.advance(5_000)
    const left = stragglers()
    if (left.length > 0) this.#fail(`something is left although all is quiet: ${left.join(', ')}`)
  }

  /** What the store holds when all is quiet. */
  #checkSession(session: TrueSession): void {
    const record = this.#network.server.live(session.key)
    if (record === undefined) return
    const isOwed = session.ends.some(({ instance }) => instance.owner.isAlive)
    if (isOwed && this.#lossAt < session.first.createdAt)
      this.#report(session.number, 'it was ended, and is still in the store')
    const { family } = session
    if (family === undefined || !family.isRotating || this.#lossAt >= session.first.createdAt) return
    for (let number = storedNumber(session, record); number < family.issued; number++) {
      const spend = this.#provider.spendOf(family, number)
      const isExcused = spend === undefined || spend.isUncertain || !spend.by.owner.isAlive || isGivenUp(spend)
      if (!isExcused)
        this.#report(session.number, `refresh token ${number} was used and its successor is not in the store`)
    }
  }

  #noteDeletion(key: string): void {
    const session = this.#byKey.get(key)
    this.#note(`    store: session ${session?.number ?? '?'} is removed`)
    this.#report(session?.number, judgeDeletion(session, this.#profile))
  }

  #noteUpdate(key: string): void {
    const session = this.#byKey.get(key)
    const record = this.#network.server.live(key)
    if (session === undefined || record === undefined) return
    const number = storedNumber(session, record)
    this.#note(`    store: session ${session.number} is written, refresh token ${number}`)
    if (number < session.stored) this.#report(session.number, `refresh token ${number} replaces ${session.stored}`)
    session.stored = number
    if (!session.storedAt.has(number)) session.storedAt.set(number, this.#sim.now)
  }

  #noteLoss(key: string): void {
    const session = this.#byKey.get(key)
    const record = this.#network.server.live(key)
    if (session !== undefined) this.#note(`    store: writes of session ${session.number} are lost`)
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

  #at(slot: number): Instance | undefined {
    return this.#instances[slot % this.#instances.length]
  }

  #begin(instance: Instance, what: string): () => void {
    const wait = { instance, since: this.#sim.now, what }
    this.#waiting.add(wait)
    return () => this.#waiting.delete(wait)
  }

  #checkWaiting(): void {
    for (const { since, what, instance } of this.#waiting)
      if (this.#sim.now - since > OPEN_WITHIN_MS) this.#fail(`${what} at ${instance.name} never ends`)
  }

  #report(number: number | undefined, what: string | undefined): void {
    if (what !== undefined) this.#fail(`session ${number ?? '?'}: ${what}`)
  }

  #fail(what: string): void {
    this.#note(`✖ ${what}`)
    this.violation ??= { step: this.#step, what }
  }

  #note(line: string): void {
    if (this.violation !== undefined) return
    this.#history.push(`${((this.#sim.now - this.#begun) / 1000).toFixed(4).padStart(12)}  ${line}`)
    if (this.#history.length > MAX_HISTORY) this.#history.shift()
  }
}

/** Whether the store was away for so long that the new tokens were given up. */
function isGivenUp({ by, doneAt }: Spend): boolean {
  return by.trouble.within(doneAt, doneAt + GIVEN_UP_AFTER_MS) >= GIVEN_UP_AFTER_MS
}

/** Whether a session may have been ended before anybody knew of it, or may still be: a failed call is made up for later. */
function mayHaveEnded(call: EndAllCall, createdFrom: number, session: Session): boolean {
  const isOver = call.outcome !== 'failed' && call.settledAt !== undefined && call.settledAt < createdFrom
  return isMeant(session, call.of) && !isOver && (call.outcome !== 'failed' || (call.settledAt ?? 0) >= createdFrom)
}

function draftOf(number: number, person: number, tokens: SessionDraft['tokens']): SessionDraft {
  return {
    subject: `person-${person}`,
    provider: 'demo',
    issuer: 'https://issuer.example',
    claims: { sub: `person-${person}` },
    tokens,
    authTime: undefined,
    acr: undefined,
    amr: undefined,
    // A browser that logs in again may do so in the same session at the provider.
    sid: `sid-${person}-${number % 3}`,
    address: '192.0.2.1',
    userAgent: 'Browser/1.0',
  }
}
