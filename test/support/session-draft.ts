import type { SessionDraft } from '../../src/sessions/contract.ts'

/** A login of somebody at some provider, with what a test wants otherwise. */
export function sessionDraft(changes: Partial<SessionDraft> = {}): SessionDraft {
  return {
    subject: 'alice',
    provider: 'demo',
    issuer: 'https://issuer.example',
    claims: { sub: 'alice', email: 'alice@example.com', name: 'Алиса 名前' },
    tokens: {
      accessToken: 'access-1',
      idToken: 'id-token-1',
      refreshToken: undefined,
      accessTokenExpiresAt: undefined,
      scope: 'openid',
    },
    authTime: undefined,
    acr: undefined,
    amr: undefined,
    sid: undefined,
    address: '192.0.2.1',
    userAgent: 'Browser/1.0',
    ...changes,
  }
}
