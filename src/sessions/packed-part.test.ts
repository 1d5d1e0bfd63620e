import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseBoundedJson } from '../lib/bounded-json.ts'
import type { SessionTokens } from './contract.ts'
import { packPart, unpackPart } from './packed-part.ts'

interface Part {
  readonly issuer: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly tokens: SessionTokens
}

function jwtOf(claims: unknown, signature = Buffer.alloc(256, 7)): string {
  const pieces = [Buffer.from('{"alg":"RS256"}'), Buffer.from(JSON.stringify(claims)), signature]
  return pieces.map((piece) => piece.toString('base64url')).join('.')
}

function partOf(claims: Part['claims'], tokens: Partial<SessionTokens>): Part {
  const none = { refreshToken: undefined, accessTokenExpiresAt: undefined, scope: undefined }
  return { issuer: 'https://issuer.example', claims, tokens: { ...none, accessToken: 'a', idToken: '', ...tokens } }
}

/** As JSON says it: what is `undefined`, or would change a prototype, is not there. */
const asJson = (part: Part): unknown => parseBoundedJson(JSON.stringify(part))

const CLAIMS = {
  sub: 'alice',
  name: 'Алиса 名前',
  groups: ['a', 'b'],
  address: { country: 'IS' },
  exp: 1_790_000_000,
  admin: true,
  nothing: null,
}

test('what is packed is unpacked again: tokens letter by letter, and claims whoever says them', () => {
  const others = { ...CLAIMS, groups: ['c'] }
  for (const part of [
    partOf(CLAIMS, {
      idToken: jwtOf(CLAIMS),
      accessToken: jwtOf({ ...CLAIMS, scope: 'x' }),
      refreshToken: 'opaque/+=',
    }),
    partOf({ email: 'a@example.com', ...CLAIMS }, { idToken: jwtOf(CLAIMS), scope: 'openid', accessTokenExpiresAt: 5 }),
    partOf(others, { idToken: jwtOf(CLAIMS) }),
    partOf({ sub: 'alice' }, { idToken: jwtOf(CLAIMS) }),
    partOf({}, { idToken: jwtOf({}) }),
    partOf(CLAIMS, { idToken: 'no.token.at all' }),
    partOf(CLAIMS, { idToken: `${jwtOf(CLAIMS)}=`, accessToken: 'a.b.c.d.e', refreshToken: '' }),
    partOf(CLAIMS, { idToken: Buffer.from('[1]').toString('base64url'), accessToken: 'AB', refreshToken: '...' }),
    partOf(CLAIMS, { idToken: jwtOf([1]) }),
    partOf(CLAIMS, { idToken: jwtOf('text') }),
  ]) {
    assert.deepEqual(asJson(unpackPart<Part>(packPart(part))), asJson(part))
  }
})

test('whatever tokens and claims are, they are the same afterwards', () => {
  const text = fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'grapheme' }))
  const token = fc.oneof(text, fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 }).map(joined))
  const claims = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
  fc.assert(
    fc.property(claims, claims, token, token, (said, more, accessToken, refreshToken) => {
      const part = partOf({ ...said, ...more }, { idToken: jwtOf(said), accessToken, refreshToken })
      assert.deepEqual(asJson(unpackPart<Part>(packPart(part))), asJson(part))
    }),
    { numRuns: 300 },
  )
})

test('tokens take as many bytes as they are made of, and claims of the ID token none', () => {
  const tokens = { idToken: jwtOf(CLAIMS), accessToken: jwtOf(CLAIMS), refreshToken: undefined }
  const part = partOf(CLAIMS, tokens)
  const plain = Buffer.byteLength(JSON.stringify(part))
  const packed = packPart(part).length
  assert.ok(packed < 0.75 * plain, `${packed} of ${plain} bytes`)
})

test('V-104: claims that are nested too deep are refused, wherever they stand', () => {
  let deep: unknown = 1
  for (let i = 0; i < 70; i++) deep = { deep }
  for (const idToken of ['', jwtOf({ sub: 'alice' }), jwtOf({ deep })]) {
    assert.throws(() => packPart(partOf({ sub: 'alice', deep }, { idToken })), RangeError)
  }
})

function joined(pieces: readonly Uint8Array[]): string {
  return pieces.map((piece) => Buffer.from(piece).toString('base64url')).join('.')
}
