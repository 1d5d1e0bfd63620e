import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { type Expectation, ID_TOKEN_CHECKS } from './id-token-checks.ts'

const NOW = Date.UTC(2026, 0, 1)
const SECONDS = NOW / 1000

const expected: Expectation = {
  issuer: 'https://id.example',
  clientId: 'me',
  algorithm: 'RS256',
  accessToken: 'access',
  now: NOW,
  nonce: { value: 'n-1', isRequired: true },
  subject: undefined,
  maxAgeSeconds: undefined,
  acrValues: undefined,
}

const good = { iss: 'https://id.example', aud: 'me', sub: 'Alice', exp: SECONDS + 300, iat: SECONDS, nonce: 'n-1' }

/** The claim that is refused, or nothing. */
function refusedClaim(change: Record<string, unknown>, expectation: Partial<Expectation> = {}): string | undefined {
  const claims: Record<string, unknown> = { ...good, ...change }
  for (const [name, value] of Object.entries(change)) if (value === undefined) delete claims[name]
  return ID_TOKEN_CHECKS.find(({ check }) => check(claims, { ...expected, ...expectation }) !== undefined)?.claim
}

test('an ID token as it should be is accepted', () => assert.equal(refusedClaim({}), undefined))

const atHash = (hash: string, token: string) => {
  const digest = createHash(hash).update(token).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

const refused: [id: string, claim: string, change: Record<string, unknown>, expectation?: Partial<Expectation>][] = [
  ...[
    'https://id.example/',
    'HTTPS://ID.EXAMPLE',
    'http://id.example',
    '',
    undefined,
    null,
    ['https://id.example'],
  ].map((iss): [string, string, Record<string, unknown>] => ['B-01', 'iss', { iss }]),
  ...[undefined, '', [], ['other'], ['me', 'other'], [['me']], 7, null, 'ME', { me: 1 }].map(
    (aud): [string, string, Record<string, unknown>] => ['B-02', 'aud', { aud }],
  ),
  ['B-03', 'aud', { aud: ['me', 'other'], azp: 'me' }],
  ['B-03', 'azp', { azp: 'other' }],
  ['B-03', 'azp', { aud: ['me'], azp: null }],
  ...[
    undefined,
    `${SECONDS + 300}`,
    1e300,
    -1,
    null,
    SECONDS + 300.5,
    NOW + 300_000,
    SECONDS - 61,
    Number.NaN,
    [],
    0,
  ].map((exp): [string, string, Record<string, unknown>] => ['B-07: V-089', 'exp', { exp }]),
  ...[SECONDS + 3600, SECONDS - 10 * 365 * 86_400, undefined, `${SECONDS}`, NOW, SECONDS - 86_401].map(
    (iat): [string, string, Record<string, unknown>] => ['B-08', 'iat', { iat }],
  ),
  ...[SECONDS + 61, `${SECONDS}`, null, NOW].map((nbf): [string, string, Record<string, unknown>] => [
    'B-08',
    'nbf',
    { nbf },
  ]),
  ...[undefined, 'n-2', ['n-1'], 'N-1', '', null, 'n-1 '].map((nonce): [string, string, Record<string, unknown>] => [
    'B-09',
    'nonce',
    { nonce },
  ]),
  ['B-10', 'auth_time', {}, { maxAgeSeconds: 300 }],
  ['B-10', 'auth_time', { auth_time: SECONDS - 361 }, { maxAgeSeconds: 300 }],
  ['B-10', 'auth_time', { auth_time: `${SECONDS}` }],
  ['B-10', 'acr', {}, { acrValues: ['gold'] }],
  ['B-10', 'acr', { acr: 'silver' }, { acrValues: ['gold'] }],
  ['B-10', 'acr', { acr: ['gold'] }, { acrValues: ['gold'] }],
  ['B-11', 'at_hash', { at_hash: atHash('sha256', 'other access') }],
  ['B-11', 'at_hash', { at_hash: atHash('sha512', 'access') }],
  ['B-11', 'at_hash', { at_hash: null }],
  ['B-13', 'sub', { sub: '' }],
  ['B-13', 'sub', { sub: undefined }],
  ['B-13', 'sub', { sub: 7 }],
  ['B-13', 'sub', { sub: 'x'.repeat(256) }],
  ['B-14', 'sub', { sub: 'alice' }, { subject: 'Alice' }],
  ['B-16', 'events', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }],
]
for (const [id, claim, change, expectation] of refused) {
  test(`${id}: ${JSON.stringify(change)} ${JSON.stringify(expectation ?? '')} is refused for ${claim}`, () => {
    assert.equal(refusedClaim(change, expectation), claim)
  })
}

const accepted: [title: string, change: Record<string, unknown>, expectation?: Partial<Expectation>][] = [
  ['B-02: an audience list with us alone', { aud: ['me'] }],
  ['B-03: azp that is us', { azp: 'me' }],
  ['B-07: a clock that is a little late', { exp: SECONDS - 30 }],
  ['B-08: a clock that is a little early', { iat: SECONDS + 30, nbf: SECONDS + 30 }],
  ['B-10: auth_time within max_age', { auth_time: SECONDS - 299 }, { maxAgeSeconds: 300 }],
  ['B-10: an acr that was asked for', { acr: 'gold' }, { acrValues: ['silver', 'gold'] }],
  ['B-11: the at_hash of the access token', { at_hash: atHash('sha256', 'access') }],
  ['B-11: the at_hash of a longer algorithm', { at_hash: atHash('sha512', 'access') }, { algorithm: 'PS512' }],
  ['B-14: a refreshed token without nonce', { nonce: undefined }, { nonce: { value: undefined, isRequired: false } }],
  ['B-14: a refreshed token with the nonce of the first', {}, { nonce: { value: 'n-1', isRequired: false } }],
]
for (const [title, change, expectation] of accepted) {
  test(`${title} is accepted`, () => assert.equal(refusedClaim(change, expectation), undefined))
}

test('B-14: a refreshed token with another nonce is refused', () => {
  assert.equal(refusedClaim({ nonce: 'n-2' }, { nonce: { value: 'n-1', isRequired: false } }), 'nonce')
  assert.equal(refusedClaim({ nonce: 'n-2' }, { nonce: { value: undefined, isRequired: false } }), 'nonce')
})

test('what is said about a refused claim holds no value of it', () => {
  for (const { check } of ID_TOKEN_CHECKS) {
    assert.doesNotMatch(check({ ...good, iss: 'SECRET', nonce: 'SECRET', sub: 7 }, expected) ?? '', /SECRET/)
  }
})
