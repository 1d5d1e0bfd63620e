import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { parseJwks, selectKeys } from './key-set.ts'

const jwk = (bits = 2048) => generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' })
const rsa = jwk()

test('a key of the set serves its algorithms under its id', () => {
  const keys = parseJwks({
    keys: [
      { ...rsa, kid: 'a', use: 'sig', alg: 'RS256' },
      { ...rsa, kid: 'b' },
    ],
  })
  assert.deepEqual(
    [
      selectKeys(keys, 'RS256', 'a').length,
      selectKeys(keys, 'PS256', 'a').length,
      selectKeys(keys, 'PS256', 'b').length,
      selectKeys(keys, 'RS256', undefined).length,
      selectKeys(keys, 'RS256', 'c').length,
      selectKeys(keys, 'ES256', 'b').length,
      selectKeys(keys, 'HS256', 'b').length,
    ],
    [1, 0, 1, 2, 0, 0, 0],
  )
})

const unusable: Record<string, object | null> = {
  'a secret key': { kty: 'oct', k: 'c2VjcmV0' },
  'a key for encryption': { ...rsa, use: 'enc' },
  'a key that may not verify': { ...rsa, key_ops: ['sign'] },
  'an unknown algorithm': { ...rsa, alg: 'RSA-OAEP' },
  'an algorithm of another type': { ...rsa, alg: 'ES256' },
  'a weak key': jwk(1024),
  'a key without its numbers': { kty: 'RSA' },
  'a point that is not on the curve': { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' },
  'an id that is no string': { ...rsa, kid: 5 },
  nothing: null,
}
for (const [name, key] of Object.entries(unusable)) {
  test(`${name} is left out, and the others stay`, () => assert.equal(parseJwks({ keys: [key, rsa] }).length, 1))
}

test('the private part of a published key is not taken', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  assert.equal(parseJwks({ keys: [privateKey.export({ format: 'jwk' })] })[0]?.key.type, 'public')
})

for (const document of [null, [], {}, { keys: {} }, { keys: 'x' }, 'keys', { keys: Array(101).fill(rsa) }]) {
  test(`${JSON.stringify(document)?.slice(0, 20)} is no key set`, () =>
    assert.throws(() => parseJwks(document), SyntaxError))
}
