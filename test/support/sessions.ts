import type { LoginEntry, SessionReader } from '../../src/pipeline/deps.ts'
import type { Session } from '../../src/sessions/contract.ts'

/** A live session as the manager opens it. */
export function openedSession(changes: Partial<Session> = {}): Session {
  return {
    id: 'public-id',
    subject: 'alice',
    provider: 'demo',
    issuer: 'https://issuer.example',
    claims: { sub: 'alice', email: 'alice@example.com' },
    tokens: {
      accessToken: 'access-1',
      idToken: 'id-1',
      refreshToken: undefined,
      accessTokenExpiresAt: undefined,
      scope: 'openid',
    },
    createdAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    lifetimeEndsAt: Number.MAX_SAFE_INTEGER,
    lastSeenAt: 0,
    longestIdleMs: 0,
    isRemembered: false,
    authTime: undefined,
    acr: undefined,
    amr: undefined,
    sid: undefined,
    ...changes,
  }
}

/** Sessions by ticket; a cookie `session=TICKET` holds the ticket, two of them none. */
export function sessionReader(open: SessionReader['open']): SessionReader {
  return {
    readTicket(header) {
      const found = header.split('; ').filter((pair) => pair.startsWith('session='))
      return found.length === 1 ? found[0]?.slice('session='.length) : undefined
    },
    open,
    whyEnded: () => undefined,
    observeIdle() {},
    toPrincipal: ({ subject, claims }) => ({ subject, extra: claims }),
    withoutOwnCookies(header) {
      const kept = header.split('; ').filter((pair) => !pair.startsWith('session='))
      return kept.length === 0 ? undefined : kept.join('; ')
    },
    clearCookie: 'session=; Path=/; Max-Age=0',
  }
}

export const LOGIN_ENTRY: LoginEntry = {
  providerIds: ['demo', 'other'],
  beginUrl: ({ originalUri }, provider, stepUp, sessionEnd) =>
    `https://app.example/.oathkeeper/login?return_to=${encodeURIComponent(originalUri)}` +
    (provider === undefined ? '' : `&provider=${provider}`) +
    (stepUp?.acrValues === undefined ? '' : `&acr_values=${stepUp.acrValues.join('+')}`) +
    (stepUp?.maxAgeSeconds === undefined ? '' : `&max_age=${stepUp.maxAgeSeconds}`) +
    (sessionEnd === undefined ? '' : `&reason=${sessionEnd}`),
  acrValues: (provider) => (provider === 'other' ? ['silver'] : undefined),
  waitingPage: (_request, { status }) => ({ status, headers: [], body: 'wait' }),
}
