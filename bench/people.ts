import { randomBytes, randomUUID } from 'node:crypto'
import type { SessionDraft } from '../src/sessions/contract.ts'

const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36'

/** What a provider says of a person; of other people something of the same size. */
export function draft(): SessionDraft {
  const claims = {
    iss: 'https://login.example.com/realms/staff',
    aud: 'oathkeeper',
    exp: 1_790_000_300,
    iat: 1_790_000_000,
    auth_time: 1_790_000_000,
    nonce: randomBytes(24).toString('base64url'),
    sub: randomUUID(),
    sid: randomUUID(),
    at_hash: randomBytes(16).toString('base64url'),
    email: `${randomBytes(6).toString('hex')}@example.com`,
    email_verified: true,
    name: `${randomBytes(4).toString('hex')} ${randomBytes(5).toString('hex')}`,
    preferred_username: randomBytes(6).toString('hex'),
    groups: ['staff', 'engineering', 'on-call'],
  }
  return {
    subject: claims.sub,
    provider: 'corp',
    issuer: claims.iss,
    claims,
    tokens: {
      accessToken: tokenOf({ ...claims, scope: 'openid profile email' }),
      idToken: tokenOf(claims),
      refreshToken: randomBytes(32).toString('base64url'),
      accessTokenExpiresAt: undefined,
      scope: 'openid profile email',
    },
    authTime: claims.auth_time * 1000,
    acr: undefined,
    amr: undefined,
    sid: claims.sid,
    address: '203.0.113.195',
    userAgent: USER_AGENT,
  }
}

/** A JSON Web Token of about 1 KB. */
function tokenOf(claims: Readonly<Record<string, unknown>>): string {
  const header = { alg: 'RS256', typ: 'JWT', kid: 'a-key-of-the-benchmark-alone' }
  const parts = [JSON.stringify(header), JSON.stringify(claims)].map((part) => Buffer.from(part).toString('base64url'))
  return [...parts, randomBytes(256).toString('base64url')].join('.')
}

/** Somebody else, at the price of a copy: no two sessions share a text. */
export function personalize(one: SessionDraft): SessionDraft {
  const { accessToken, idToken } = one.tokens
  return {
    ...one,
    subject: randomUUID(),
    sid: randomUUID(),
    tokens: { ...one.tokens, accessToken: copyOf(accessToken), idToken: copyOf(idToken) },
  }
}

function copyOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}
