import type { Session, SessionDraft, SessionManager, SessionsOf, SessionTokens } from '../../src/sessions/contract.ts'
import { judgeError, judgeOpen, judgeSpend, type Call, type Facts, type Outcome } from './judge.ts'
import type { Observed } from './observed.ts'
import type { SimProvider, TokenFamily } from './sim-provider.ts'
import type { Events } from './simulation.ts'
import type { Action } from './steps.ts'
import {
  createTrueSession,
  isMeant,
  noteTry,
  noteUse,
  numberOfAccessToken,
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

/** An instance that can be asked. */
export interface Asked extends Observed {
  readonly manager: SessionManager
}

type Login = Action & { readonly kind: 'create' }

const MADE_UP_MS = 2_000
const MAX_HISTORY = 400

/** Does to instances what people and providers do, holds each answer against what is true, and keeps a history. */
export class Conduct {
  readonly #events: Events
  readonly #provider: SimProvider
  readonly #facts: () => Facts
  readonly #begun: number
  readonly #endAlls: EndAllCall[] = []
  readonly #history: string[] = []
  readonly #waiting = new Set<{ readonly instance: Observed; readonly since: number; readonly what: string }>()
  readonly sessions = new Map<number, TrueSession>()
  readonly byKey = new Map<string, TrueSession>()
  readonly counts = { accepted: 0, refused: 0, unavailable: 0, created: 0, ended: 0, refreshes: 0 }
  /** The one that is being taken. */
  step = 0
  violation: Violation | undefined

  constructor(events: Events, provider: SimProvider, facts: () => Facts) {
    this.#events = events
    this.#provider = provider
    this.#facts = facts
    this.#begun = events.now
    provider.onSpentAgain = (first, again) => {
      const session = this.sessions.get(Number(first.family.name))
      if (session !== undefined) this.report(session.number, judgeSpend(session, first, again, this.#facts()))
    }
  }

  get history(): readonly string[] {
    return this.#history
  }

  get elapsedMs(): number {
    return this.#events.now - this.#begun
  }

  async create(instance: Asked, login: Login): Promise<void> {
    const { session: number, person } = login
    if (this.#standsStill(instance)) return
    const from = this.#events.now
    const { tokens, family } = this.#issueTokens(login)
    const settled = this.#begin(instance, `create of ${number}`)
    try {
      const { ticket, session } = await instance.manager.create(draftOf(number, person, tokens))
      const created = createTrueSession(number, from, ticket, session, family)
      created.mayBeEnded = this.#endAlls.some((call) => mayHaveEnded(call, from, session))
      this.sessions.set(number, created)
      this.byKey.set(created.key, created)
      this.counts.created++
      this.note(`  ${instance.name} created session ${number}`)
      if (!this.#facts().presenceOf(created).wasThere(from, this.#events.now))
        this.report(number, 'it is said to be created, and is not')
    } catch (error) {
      this.note(`  ${instance.name} could not create session ${number}`)
      this.#reportError(number, instance, from, error)
    } finally {
      settled()
    }
  }

  open(instance: Asked, number: number, deny: boolean): void {
    const session = this.sessions.get(number)
    if (session === undefined || this.#standsStill(instance)) return
    const from = this.#events.now
    const tokenBefore = instance.tokensGiven.get(number) ?? 0
    noteTry(session, from)
    const settled = this.#begin(instance, `open of ${number}`)
    const judge = (outcome: Outcome): void => {
      settled()
      if (instance.owner.isAlive) this.#judge(session, { instance, from, to: this.#events.now, tokenBefore }, outcome)
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

  async end(instance: Asked, number: number): Promise<void> {
    const session = this.sessions.get(number)
    if (session === undefined || this.#standsStill(instance)) return
    const from = this.#events.now
    if (!instance.endsCalled.has(number)) instance.endsCalled.set(number, from)
    const call: EndCall = { instance, calledAt: from, settledAt: undefined, outcome: 'pending' }
    session.ends.push(call)
    const settled = this.#begin(instance, `end of ${number}`)
    try {
      const isEnded = (await instance.manager.end(session.ticket, 'logout')) !== undefined
      this.#settle(call, isEnded ? 'ended' : 'nothing')
      this.counts.ended++
      if (!this.#facts().presenceOf(session).wasMissing(from, this.#events.now))
        this.report(number, 'it is said to be ended, and is not')
    } catch (error) {
      this.#settle(call, 'failed')
      this.#reportError(number, instance, from, error)
    } finally {
      settled()
      this.note(`  session ${number} at ${instance.name}, to be ended: ${call.outcome}`)
    }
  }

  async endAll(instance: Asked, { session: number, by }: Action & { readonly kind: 'endAll' }): Promise<void> {
    const like = this.sessions.get(number)?.first
    if (like === undefined || this.#standsStill(instance)) return
    const { issuer, subject, sid = '' } = like
    const of = { issuer, ...(by === 'sid' ? {} : { subject }), ...(by === 'subject' ? {} : { sid }) } as SessionsOf
    const from = this.#events.now
    const call: EndAllCall = { instance, of, calledAt: from, settledAt: undefined, outcome: 'pending' }
    this.#endAlls.push(call)
    const meant = [...this.sessions.values()].filter(({ first }) => isMeant(first, of))
    for (const { ends } of meant) ends.push(call)
    const settled = this.#begin(instance, `end of all sessions like ${number}`)
    try {
      const count = await instance.manager.endAll(of, 'backchannel')
      this.#settle(call, count === 0 ? 'nothing' : 'ended')
      this.counts.ended += count
      for (const session of meant)
        if (!this.#facts().presenceOf(session).wasMissing(from, this.#events.now))
          this.report(session.number, 'it is said to be ended with all others, and is not')
    } catch (error) {
      this.#settle(call, 'failed')
      this.#reportError(number, instance, from, error)
    } finally {
      settled()
      this.note(`  sessions like ${number} at ${instance.name}, to be ended: ${call.outcome}`)
    }
  }

  revoke(number: number): void {
    const family = this.sessions.get(number)?.family
    if (family !== undefined) family.isRevoked = true
  }

  /** The instance is gone, and whoever waits there waits for ever. */
  bury(instance: Asked): void {
    instance.owner.isAlive = false
    instance.diedAt = this.#events.now
    for (const wait of this.#waiting) if (wait.instance === instance) this.#waiting.delete(wait)
  }

  /** Who waits for an answer for longer than that. */
  waitingFor(longerThanMs: number): string[] {
    return [...this.#waiting]
      .filter(({ since }) => this.#events.now - since > longerThanMs)
      .map(({ what, instance }) => `${what} at ${instance.name}`)
  }

  report(number: number | undefined, what: string | undefined): void {
    if (what !== undefined) this.fail(`session ${number ?? '?'}: ${what}`)
  }

  fail(what: string): void {
    this.note(`✖ ${what}`)
    this.violation ??= { step: this.step, what }
  }

  note(line: string): void {
    if (this.violation !== undefined) return
    this.#history.push(`${(this.elapsedMs / 1000).toFixed(4).padStart(12)}  ${line}`)
    if (this.#history.length > MAX_HISTORY) this.#history.shift()
  }

  /** Who asks then gets no answer: it is as if nobody had. */
  #standsStill({ owner }: Asked): boolean {
    return (owner.pausedUntil ?? 0) > this.#events.now
  }

  #issueTokens({ session, accessLifeMs, isRotating }: Login): {
    tokens: SessionTokens
    family: TokenFamily | undefined
  } {
    const name = String(session)
    const tokens = this.#provider.issueFirst(name, isRotating, accessLifeMs ?? 300_000)
    if (accessLifeMs === undefined) return { tokens: { ...tokens, refreshToken: undefined }, family: undefined }
    return { tokens, family: this.#provider.families.get(name) }
  }

  #judge(session: TrueSession, call: Call, outcome: Outcome): void {
    const { instance, from, to } = call
    const found = 'session' in outcome ? outcome.session : undefined
    let told = 'unavailable'
    if ('session' in outcome) told = found === undefined ? 'none' : `token ${numberOfAccessToken(found)}`
    const took = to === from ? 'at once' : `after ${(to - from).toFixed(1)} ms`
    this.note(`  session ${session.number} at ${instance.name}: ${told} ${took}`)
    if ('error' in outcome) this.counts.unavailable++
    else this.counts[found === undefined ? 'refused' : 'accepted']++
    this.report(session.number, judgeOpen(session, call, outcome, this.#facts()))
    if (found === undefined) return
    noteUse(session, instance, from)
    const known = instance.tokensGiven.get(session.number) ?? 0
    instance.tokensGiven.set(session.number, Math.max(known, numberOfAccessToken(found)))
  }

  #settle(call: EndCall, outcome: EndCall['outcome']): void {
    call.outcome = outcome
    call.settledAt = this.#events.now
  }

  #reportError(number: number, instance: Asked, from: number, error: unknown): void {
    if (instance.owner.isAlive)
      this.report(number, judgeError({ instance, from, to: this.#events.now }, error, this.#facts().bounds))
  }

  #begin(instance: Asked, what: string): () => void {
    const wait = { instance, since: this.#events.now, what }
    this.#waiting.add(wait)
    return () => this.#waiting.delete(wait)
  }
}

/**
 * Whether a session may have been ended before anybody knew of it, or may still be: a failed call is made up for later, and reaches what
 * began up to a second after it, since clocks differ.
 */
function mayHaveEnded(
  { of, outcome, settledAt = Infinity }: EndAllCall,
  createdFrom: number,
  session: Session,
): boolean {
  return isMeant(session, of) && settledAt + (outcome === 'failed' ? MADE_UP_MS : 0) >= createdFrom
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
