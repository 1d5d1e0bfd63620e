import { setImmediate as turn } from 'node:timers/promises'
import { GateError } from '../../src/kernel/errors.ts'
import { silentLogger, type Logger } from '../../src/kernel/logger.ts'
import type {
  RefreshOutcome,
  Session,
  SessionDraft,
  SessionManager,
  SessionStore,
  UserinfoOutcome,
} from '../../src/sessions/contract.ts'
import { createSessionManager } from '../../src/sessions/manager.ts'
import { MemoryStore } from '../../src/sessions/memory.ts'
import type { RefreshPolicy } from '../../src/sessions/refresh.ts'
import { sessionDraft } from './session-draft.ts'
import { createTestClock, type TestClock } from './test-clock.ts'
import { createUnreliableStore } from './unreliable-store.ts'

export const MINUTE = 60_000
export const failed = {
  kind: 'failed',
  error: new GateError('ERR_PROVIDER_UNAVAILABLE'),
} as const satisfies RefreshOutcome
export const invalidGrant: RefreshOutcome = { kind: 'rejected', detail: 'invalid_grant' }

/**
 * A provider whose refresh tokens may be used once; it notes which it was given. Its answers wait between `hold` and `answer`;
 * what `next` says is said instead of the truth.
 */
export function createRotatingProvider(clock: Pick<TestClock, 'now'>) {
  let gate = Promise.withResolvers<void>()
  gate.resolve()
  const spent = new Set<string>()
  const provider = {
    used: [] as string[],
    next: undefined as RefreshOutcome | undefined,
    /** Before `maySend` is asked: what takes time until then. */
    beforeSend: undefined as (() => unknown) | undefined,
    onAsked: undefined as (() => unknown) | undefined,
    /** Its refreshes come with the claims of UserInfo. */
    withUserinfo: false,
    /** It does what it is asked, and nobody hears of it. */
    losesAnswers: false,
    hold() {
      gate = Promise.withResolvers()
    },
    answer: () => gate.resolve(),
    /** What is asked from now on does not wait; what waits goes on to. */
    letThrough() {
      const held = gate
      provider.answer = () => held.resolve()
      gate = Promise.withResolvers()
      gate.resolve()
    },
    /** `asSeenBy`: whose clock tells when the new token ends. */
    async refresh(session: Session, maySend: () => boolean, asSeenBy = clock): Promise<RefreshOutcome> {
      await provider.beforeSend?.()
      if (!maySend()) return { kind: 'withheld' }
      const { refreshToken = '' } = session.tokens
      provider.used.push(refreshToken)
      const number = provider.used.length + 1
      provider.onAsked?.()
      const { next } = provider
      const isSpent = spent.has(refreshToken)
      if (next === undefined || provider.losesAnswers) spent.add(refreshToken)
      await gate.promise
      if (provider.losesAnswers) return failed
      const answer = refreshed(asSeenBy, number, `refresh-${number}`)
      return next ?? (isSpent ? invalidGrant : { ...answer, hasUserinfo: provider.withUserinfo })
    },
  }
  return provider
}

export function refreshed(
  clock: Pick<TestClock, 'now'>,
  number: number,
  refreshToken?: string,
): Extract<RefreshOutcome, { kind: 'refreshed' }> {
  const tokens = {
    accessToken: `access-${number}`,
    idToken: 'id',
    refreshToken,
    accessTokenExpiresAt: clock.now() + 5 * MINUTE,
    scope: undefined,
  }
  return { kind: 'refreshed', tokens, claims: undefined }
}

/** One memory store as all instances see it, which may be taken away from them, and a provider. */
export function setUpRefresh(options: Partial<RefreshPolicy> = {}) {
  const clock = createTestClock()
  const memory = new MemoryStore({ maxSessions: 1000, maxStates: 10 }, clock)
  const store = createUnreliableStore(memory)
  const provider = createRotatingProvider(clock)
  const userinfo = createUserinfo()
  const instance = (on: SessionStore = store, own: { readonly clock?: TestClock; readonly logger?: Logger } = {}) => {
    const manager = createSessionManager({
      store: on,
      clock: own.clock ?? clock,
      logger: own.logger ?? silentLogger,
      lifetimes: { lifetimeMs: 24 * 60 * MINUTE, idleTimeoutMs: undefined },
      refresh: { refreshBeforeMs: MINUTE, onRefreshFailure: 'keep', ...options },
    })
    manager.onRefresh((session, maySend) => provider.refresh(session, maySend, own.clock), userinfo)
    return manager
  }
  return { clock, memory, store, provider, userinfo, instance, manager: instance() }
}

/** UserInfo that says what a test has it say, and notes with which access tokens it was read. */
function createUserinfo() {
  const userinfo = {
    readWith: [] as string[],
    isReadAtAll: true,
    next: { kind: 'read', claims: { sub: 'alice', groups: ['staff'] } } as UserinfoOutcome,
    isRead: () => userinfo.isReadAtAll,
    async read({ tokens }: Session): Promise<UserinfoOutcome> {
      userinfo.readWith.push(tokens.accessToken)
      return userinfo.next
    },
  }
  return userinfo
}

export function refreshableDraft(clock: Pick<TestClock, 'now'>, lifeMs = 5 * MINUTE): SessionDraft {
  const { tokens } = sessionDraft()
  return sessionDraft({ tokens: { ...tokens, refreshToken: 'refresh-1', accessTokenExpiresAt: clock.now() + lifeMs } })
}

/** Lets everything happen that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn()
}

/** Moves the clock in small steps, and lets happen what falls due on the way. */
export async function pass(clock: TestClock, ms: number, stepMs = 100): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(Math.min(stepMs, ms - passed))
    await settle()
  }
}

export async function accessTokenOf(manager: SessionManager, ticket: string): Promise<string | undefined> {
  return (await manager.open(ticket))?.tokens.accessToken
}
