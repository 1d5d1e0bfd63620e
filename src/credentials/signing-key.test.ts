import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { type Jwk, makeJwk, publicHalf } from '../../test/support/jwks.ts'
import { parseSigningKeys, type SigningKey } from './signing-key.ts'

const A = makeJwk('a', 'RS256')
const B = makeJwk('b', 'RS256')
const E = makeJwk('e', 'ES256')
const H = makeJwk('h', 'HS256')
const { kid: _kid, ...A_WITHOUT_KID } = A
const { alg: _alg, ...A_WITHOUT_ALG } = A

function signingKeyOf(...keys: unknown[]): SigningKey {
  const { signingKey } = parseSigningKeys({ keys })
  assert.ok(typeof signingKey !== 'string', String(signingKey))
  return signingKey
}

async function verifies(token: string, jwk: Jwk, alg: string): Promise<boolean> {
  const key = await importJWK(alg.startsWith('HS') ? jwk : publicHalf(jwk), alg)
  return jwtVerify(token, key, { algorithms: [alg] }).then(
    () => true,
    () => false,
  )
}

const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512'.split(' ')

for (const alg of ALGORITHMS) {
  test(`signs with ${alg} so that others verify it`, async () => {
    const jwk = makeJwk('key', alg)
    const token = signingKeyOf(jwk).sign('{"sub":"名前"}')
    assert.deepEqual(decodeProtectedHeader(token), { alg, kid: 'key', typ: 'JWT' })
    assert.ok(await verifies(token, jwk, alg))
  })
}

const choices: [string, unknown[], Jwk, string][] = [
  ['the only private key', [A], A, 'a'],
  ['a private key under the id of the public one beside it', [A, publicHalf(A, { kid: 'pa' })], A, 'pa'],
  ['the same when the public one comes first', [publicHalf(A, { kid: 'pa' }), A], A, 'pa'],
  ['the first private key once an id is known', [A, publicHalf(A, { kid: 'pa' }), B], A, 'pa'],
  ['the last of several private keys', [A, B], B, 'b'],
  ['a secret key, which is both', [H, A], H, 'h'],
  ['a secret key after a private one', [A, H], H, 'h'],
  ['a key under the id of a public key that is not its own', [publicHalf(B), A], A, 'b'],
  ['a key whose public half has no id, under its own', [publicHalf(A_WITHOUT_KID), A], A, 'a'],
  ['a key that is meant for something else', [{ ...A, use: 'enc' }], A, 'a'],
]

for (const [what, keys, expected, kid] of choices) {
  test(`as Oathkeeper, it signs with ${what}`, async () => {
    const token = signingKeyOf(...keys).sign('{}')
    assert.equal(decodeProtectedHeader(token).kid, kid)
    assert.ok(await verifies(token, expected, String(expected['alg'])))
  })
}

const none: [string, unknown[], RegExp][] = [
  ['an empty set', [], /^no suitable key could be found$/],
  ['public keys only', [publicHalf(A)], /^no suitable key/],
  ['a private key without id', [A_WITHOUT_KID], /^no suitable key/],
  ['one beside a public key with an id', [A_WITHOUT_KID, publicHalf(A)], /^no suitable key/],
  ['a key without algorithm', [A_WITHOUT_ALG], /^signing key "a" declares unsupported algorithm ""$/],
  ['the algorithm none', [{ ...A, alg: 'none' }], /unsupported algorithm "none"$/],
  ['an algorithm in another spelling', [{ ...A, alg: 'rs256' }], /unsupported algorithm "rs256"$/],
  ['an algorithm of another family', [{ ...A, alg: 'HS256' }], /another type than its algorithm HS256 needs$/],
  ['an algorithm of another curve', [{ ...E, alg: 'ES384' }], /another type than its algorithm ES384 needs$/],
]

for (const [what, keys, reason] of none) {
  test(`nothing can be signed with ${what}`, () => {
    assert.match(String(parseSigningKeys({ keys }).signingKey), reason)
  })
}

const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' })
const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' })

const broken: [string, unknown, RegExp][] = [
  ['no object', [A], /^not a JWK Set$/],
  ['keys that are no list', { keys: {} }, /^not a JWK Set$/],
  ['a key that is none', { keys: [A, 'x'] }, /^keys\[1\] is not a JWK$/],
  ['an unknown type', { keys: [{ kty: 'xyz' }, A] }, /^keys\[0\] is not a key that can be read$/],
  ['a broken number', { keys: [{ ...A, n: '' }] }, /^keys\[0\] is not a key/],
  ['an empty secret', { keys: [{ ...H, k: '' }] }, /^keys\[0\] is not a key/],
  ['a key for encryption', { keys: [x25519, A] }, /^keys\[0\] is not a key/],
  ['an id that is no text', { keys: [{ ...A, kid: 5 }] }, /^keys\[0\]\.kid is not a string$/],
  [
    'a weak RSA key',
    { keys: [{ ...rsa1024, kid: 'w', alg: 'RS256' }] },
    /^keys\[0\] is an RSA key of less than 2048 bits$/,
  ],
  ['too many keys', { keys: Array.from({ length: 101 }).fill(H) }, /more than 100 keys$/],
]

for (const [what, document, message] of broken) {
  test(`a set with ${what} is refused as a whole`, () => {
    assert.throws(() => parseSigningKeys(document), { name: 'SyntaxError', message })
  })
}

test('what is published has no private member, and no secret key', () => {
  const { publicKeys } = parseSigningKeys({ keys: [A, publicHalf(B), makeJwk('x', 'EdDSA'), E, H] })
  assert.deepEqual(
    publicKeys.map(({ kid, use, alg, kty }) => [kid, use, alg, kty]),
    [
      ['a', 'sig', 'RS256', 'RSA'],
      ['b', 'sig', 'RS256', 'RSA'],
      ['x', 'sig', 'EdDSA', 'OKP'],
      ['e', 'sig', 'ES256', 'EC'],
    ],
  )
  assert.deepEqual(publicKeys[0], publicHalf(A))
  for (const key of publicKeys)
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']) assert.ok(!(name in key))
  assert.deepEqual(parseSigningKeys({}).publicKeys, [])
})
