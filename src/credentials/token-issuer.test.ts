import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { makeJwk } from '../../test/support/jwks.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { parseSigningKeys, type SigningKeySet } from './signing-key.ts'
import { createTokenIssuer } from './token-issuer.ts'

const NOW = 1_800_000_000_900
const setOf = (kid: string): SigningKeySet => parseSigningKeys({ keys: [makeJwk(kid, 'HS256')] })

function rig({ maxCacheChars }: { maxCacheChars?: number } = {}) {
  const clock = createTestClock(NOW)
  const state = { set: setOf('one') }
  const issuer = createTokenIssuer({
    keys: { at: () => ({ current: () => state.set }) },
    clock,
    ...(maxCacheChars !== undefined && { maxCacheChars }),
  })
  const issue = issuer.with({ keys: 'file:///k', issuer: 'https://gate.example/', ttlMs: 60_000 })
  const tokenOf = (subject: string, claims?: string): string => {
    const token = issue(subject, claims)
    assert.ok(typeof token === 'string')
    return token
  }
  return { clock, state, issuer, tokenOf }
}

test('a token says who, by whom, and for how long', () => {
  const { jti, ...claims } = decodeJwt(rig().tokenOf('alice', '{"aud":["x"],"n":{"a":1.5}}'))
  assert.deepEqual(claims, {
    aud: ['x'],
    n: { a: 1.5 },
    iss: 'https://gate.example/',
    sub: 'alice',
    iat: 1_800_000_000,
    nbf: 1_800_000_000,
    exp: 1_800_000_060,
  })
  assert.match(String(jti), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/)
})

test('claims cannot say what the token itself says', () => {
  const forged = '{"iss":"e","sub":"root","exp":9999999999,"iat":1,"nbf":1,"jti":"j","__proto__":{"sub":"root"}}'
  const claims = decodeJwt(rig().tokenOf('alice', forged))
  assert.equal(claims.sub, 'alice')
  assert.equal(claims.iss, 'https://gate.example/')
  assert.equal(claims.exp, 1_800_000_060)
  assert.notEqual(claims.jti, 'j')
})

test('the same subject with the same claims gets the same token until a tenth of its time is left', () => {
  const { clock, tokenOf } = rig()
  const first = tokenOf('alice', '{"a":1}')
  clock.advance(53_999)
  assert.equal(tokenOf('alice', '{"a":1}'), first)
  clock.advance(1)
  assert.notEqual(tokenOf('alice', '{"a":1}'), first)
})

test('a token is another when subject, claims or profile are, or when the key was changed', () => {
  const { state, issuer, tokenOf } = rig()
  const tokens = [tokenOf('alice', '{"a":1}'), tokenOf('bob', '{"a":1}'), tokenOf('alice', '{"a":2}')]
  const base = { keys: 'file:///k', issuer: 'https://gate.example/', ttlMs: 60_000 }
  for (const change of [{ issuer: 'https://other.example' }, { ttlMs: 61_000 }, { keys: 'file:///other' }]) {
    tokens.push(String(issuer.with({ ...base, ...change })('alice', '{"a":1}')))
  }
  assert.equal(issuer.with(base)('alice', '{"a":1}'), tokens[0], 'an equal profile is the same')
  state.set = setOf('two')
  tokens.push(tokenOf('alice', '{"a":1}'))
  assert.equal(new Set(tokens).size, tokens.length)
  assert.equal(decodeProtectedHeader(tokens.at(-1) ?? '').kid, 'two')
})

test('V-049: no two pairs of subject and claims share a token', () => {
  const { tokenOf } = rig()
  const pairs: [string, string | undefined][] = [
    ['a', '{"b":1}'],
    ['a","{\\"b\\":1}', undefined],
    ['a{"b":1}', undefined],
    ['a', undefined],
    ['', undefined],
    ['a","', undefined],
  ]
  for (const [subject, claims] of pairs) assert.equal(decodeJwt(tokenOf(subject, claims)).sub, subject)
  assert.equal(new Set(pairs.map(([subject, claims]) => tokenOf(subject, claims))).size, pairs.length)
})

test('V-007: the cache is bounded, what was not used for longest goes', () => {
  const { tokenOf } = rig({ maxCacheChars: 20_000 })
  const first = tokenOf('first')
  const second = tokenOf('second')
  for (let i = 0; i < 100; i++) {
    tokenOf(`subject-${i}`)
    assert.equal(tokenOf('first'), first)
  }
  assert.notEqual(tokenOf('second'), second)
})

test('claims that are no JSON object are refused, and not quoted', () => {
  const { tokenOf } = rig()
  for (const claims of ['', 'null', '[]', '"x"', '{"a": secret}', '{', ' ', '{"a":1e999}']) {
    assert.throws(() => tokenOf('alice', claims), {
      code: 'ERR_TEMPLATE_FAILED',
      message: 'the claims of the token are not a JSON object',
    })
  }
})

test('what is not UTF-8 in claims becomes U+FFFD', () => {
  assert.equal(decodeJwt(rig().tokenOf('a', '{"x":"\udc80"}'))['x'], '\ufffd')
})

test('without a key nothing is issued', async () => {
  const clock = createTestClock()
  const profile = { keys: 'file:///k', issuer: 'i', ttlMs: 1000 }
  const none = createTokenIssuer({ keys: { at: () => ({ current: () => parseSigningKeys({}) }) }, clock })
  assert.throws(() => none.with(profile)('a', undefined), { code: 'ERR_SIGNING_KEY_UNAVAILABLE' })
  const unreadable = { current: () => Promise.reject(new Error('gone')) }
  const gone = createTokenIssuer({ keys: { at: () => unreadable }, clock })
  await assert.rejects(Promise.resolve(gone.with(profile)('a', undefined)), {
    code: 'ERR_SIGNING_KEY_UNAVAILABLE',
    detail: 'gone',
  })
})
