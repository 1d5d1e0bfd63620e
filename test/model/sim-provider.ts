import type { RefreshOutcome, Session, SessionTokens } from '../../src/sessions/contract.ts'
import { GateError } from '../../src/kernel/errors.ts'
import type { Observed } from './observed.ts'
import type { Events, Owner } from './simulation.ts'

/** How the provider takes refreshes. */
export type ProviderState =
  | 'ok'
  /** Fails before anything is done. */
  | 'failing'
  /** Does it, and the answer is lost. */
  | 'lossy'
  /** Takes seconds. */
  | 'slow'
  /** Takes longer than anybody waits; does it in the end. */
  | 'hanging'

/** All tokens that came from one login. */
export interface TokenFamily {
  readonly name: string
  /** Whether each refresh token may be used once. */
  readonly isRotating: boolean
  readonly accessLifeMs: number
  /** How many times new tokens were issued. */
  issued: number
  isRevoked: boolean
  /** An instance was told that its refresh token is refused. */
  hasRejected: boolean
  /** A passing error was told to an instance. */
  hasFailed: boolean
}

/** Somebody used a refresh token. */
export interface Spend {
  readonly family: TokenFamily
  /** Of the token: counts from 0. */
  readonly number: number
  readonly by: Observed
  /** When the instance asked. */
  readonly askedAt: number
  /** When the provider did it. */
  readonly doneAt: number
  /** Whether the instance may not know. */
  isUncertain: boolean
}

/** As `login.timeout`. */
export const CALL_DEADLINE_MS = 10_000

/** A provider whose refresh tokens may be used once: of a token that is used again, all the family is revoked. */
export class SimProvider {
  readonly #sim: Events
  readonly #world: Owner = { name: 'provider', isAlive: true }
  readonly families = new Map<string, TokenFamily>()
  /** By family and number of the token. */
  readonly #spends = new Map<string, Spend>()
  state: ProviderState = 'ok'
  /** A token was used that had been used before. */
  onSpentAgain: (first: Spend, again: Spend) => void = () => undefined
  /** Calls that an instance waits for. */
  waiting = 0
  refreshes = 0

  constructor(sim: Events) {
    this.#sim = sim
  }

  /** The tokens of a new login. */
  issueFirst(name: string, isRotating: boolean, accessLifeMs: number): SessionTokens {
    const family: TokenFamily = {
      name,
      isRotating,
      accessLifeMs,
      issued: 0,
      isRevoked: false,
      hasRejected: false,
      hasFailed: false,
    }
    this.families.set(name, family)
    return { ...this.#tokensOf(family), refreshToken: refreshTokenOf(family) }
  }

  /** As a client of it would ask: the token leaves a moment later, if it may then. */
  async refresh(by: Observed, session: Session, maySend: () => boolean): Promise<RefreshOutcome> {
    const sim = this.#sim
    if (sim.random.chance(0.5)) {
      await new Promise<void>((resolve) => sim.after(sim.random.next() * 50, by.owner, resolve))
    }
    return maySend() ? await this.#send(by, session) : { kind: 'withheld' }
  }

  #send(by: Observed, session: Session): Promise<RefreshOutcome> {
    return new Promise((resolve) => {
      const sim = this.#sim
      const { state } = this
      const askedAt = sim.now
      this.waiting++
      let isSettled = false
      let isLate = false
      let spend: Spend | undefined
      const settle = (outcome: RefreshOutcome): void => {
        if (isSettled) return
        const { isAlive, pausedUntil = 0 } = by.owner
        if (isAlive && pausedUntil > sim.now)
          return void sim.after(pausedUntil - sim.now, this.#world, () => settle(outcome))
        isSettled = true
        if (outcome.kind === 'failed' && spend !== undefined) spend.isUncertain = true
        this.waiting--
        if (!by.owner.isAlive) return
        this.#note(session, outcome)
        resolve(outcome)
      }
      sim.after(CALL_DEADLINE_MS, this.#world, () => {
        isLate = true
        settle(failed('no answer in time'))
      })
      sim.after(this.#takes(state), this.#world, () => {
        if (state === 'failing') return void sim.after(1, this.#world, () => settle(failed('an error')))
        const done = this.#spend(by, session, askedAt, isLate || state === 'lossy' || !by.owner.isAlive)
        spend = done.spend
        const outcome = state === 'lossy' ? failed('the answer was lost') : done.outcome
        sim.after(0.5 + sim.random.next() * 20, this.#world, () => settle(outcome))
      })
    })
  }

  spendOf(family: TokenFamily, number: number): Spend | undefined {
    return this.#spends.get(`${family.name}/${number}`)
  }

  #spend(
    by: Observed,
    session: Session,
    askedAt: number,
    isUncertain: boolean,
  ): { outcome: RefreshOutcome; spend: Spend | undefined } {
    const { name, number } = parseRefreshToken(session.tokens.refreshToken)
    const family = this.families.get(name)
    if (family === undefined) throw new Error('a refresh token that was never issued')
    this.refreshes++
    const again: Spend = { family, number, by, askedAt, doneAt: this.#sim.now, isUncertain }
    const first = this.spendOf(family, number)
    if (family.isRotating && first !== undefined) {
      // Told whether it was revoked before or not: it is used again either way.
      this.onSpentAgain(first, again)
      family.isRevoked = true
    }
    if (family.isRevoked) return { outcome: { kind: 'rejected', detail: 'invalid_grant' }, spend: undefined }
    this.#spends.set(`${name}/${number}`, again)
    family.issued++
    const refreshToken = family.isRotating ? refreshTokenOf(family) : undefined
    const tokens = { ...this.#tokensOf(family), refreshToken }
    return { outcome: { kind: 'refreshed', tokens, claims: undefined }, spend: again }
  }

  #takes(state: ProviderState): number {
    const { random } = this.#sim
    if (state === 'slow') return random.between(500, 9_500)
    if (state === 'hanging') return random.between(9_000, 30_000)
    return 1 + random.next() * (random.chance(0.1) ? 500 : 30)
  }

  #tokensOf(family: TokenFamily): SessionTokens {
    const { name, issued, accessLifeMs } = family
    return {
      accessToken: `access/${name}/${issued}`,
      idToken: `id/${name}`,
      refreshToken: undefined,
      accessTokenExpiresAt: Math.floor(this.#sim.now) + accessLifeMs,
      scope: undefined,
    }
  }

  #note(session: Session, { kind }: RefreshOutcome): void {
    const family = this.families.get(parseRefreshToken(session.tokens.refreshToken).name)
    if (family === undefined) return
    if (kind === 'rejected') family.hasRejected = true
    if (kind === 'failed') family.hasFailed = true
  }
}

function refreshTokenOf({ name, isRotating, issued }: TokenFamily): string {
  return `refresh/${name}/${isRotating ? issued : 0}`
}

export function parseRefreshToken(token: string | undefined): { name: string; number: number } {
  const [, name = '', number] = (token ?? '').split('/')
  return { name, number: Number(number) }
}

function failed(detail: string): RefreshOutcome {
  return { kind: 'failed', error: new GateError('ERR_PROVIDER_UNAVAILABLE', { detail }) }
}
