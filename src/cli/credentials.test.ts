import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import { runProgram } from './program.ts'

async function generate(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await runProgram(['credentials', 'generate', ...argv], {
    env: {},
    loadApplication: () => Promise.reject(new Error('needs no application')),
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    exit: () => undefined,
    onSignal: () => () => undefined,
  })
  return { code, ...said }
}

async function keyOf(...argv: string[]): Promise<JWK & Record<string, unknown>> {
  const { code, out, err } = await generate(...argv)
  assert.deepEqual([code, err], [0, ''])
  const { keys } = JSON.parse(out) as { keys: [JWK & Record<string, unknown>] }
  assert.equal(keys.length, 1)
  assert.equal(out, `${JSON.stringify({ keys }, undefined, 2)}\n`)
  return keys[0]
}

const SYMMETRIC = ['HS256', 'HS384', 'HS512']
const ASYMMETRIC = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']

for (const alg of [...SYMMETRIC, ...ASYMMETRIC]) {
  test(`a key for ${alg} signs and verifies`, async () => {
    const jwk = await keyOf('--alg', alg, '--kid', 'my-key')
    assert.deepEqual([jwk['use'], jwk.alg, jwk.kid], ['sig', alg, 'my-key'])
    const token = await new SignJWT({ sub: 'x' }).setProtectedHeader({ alg }).sign(await importJWK(jwk, alg))
    const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...rest } = jwk
    const { payload } = await jwtVerify(token, await importJWK(rest, alg))
    assert.equal(payload.sub, 'x')
  })
}

const bitsOf = (base64url: unknown): number => Buffer.from(String(base64url), 'base64url').length * 8

test('sizes are those of Oathkeeper by default, and as asked', async () => {
  const sizes = await Promise.all(SYMMETRIC.map(async (alg) => bitsOf((await keyOf('--alg', alg))['k'])))
  assert.deepEqual(sizes, [256, 384, 1024])
  assert.equal(bitsOf((await keyOf('--alg', 'HS256', '--bits', '264'))['k']), 264)
  assert.equal(bitsOf((await keyOf('--alg', 'RS256')).n), 2048)
  assert.equal(bitsOf((await keyOf('--alg', 'PS256', '--bits', '2560')).n), 2560)
  assert.equal((await keyOf('--alg', 'ES512', '--bits', '521')).crv, 'P-521')
})

test('without an id there is a random one', async () => {
  const [one, two] = [await keyOf('--alg', 'EdDSA'), await keyOf('--alg', 'EdDSA', '--kid', '')]
  assert.match(one.kid ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.notEqual(one.kid, two.kid)
})

test('a size that the algorithm does not have is refused', async () => {
  for (const [alg, bits, sentence] of [
    ['HS256', '128', 'a key for HS256 has at least 256 bits'],
    ['HS256', '257', 'the number of bits must be a multiple of 8'],
    ['RS256', '1024', 'a key for RS256 has at least 2048 bits'],
    ['RS256', '99999', 'a key for RS256 has at most 16384 bits'],
    ['ES256', '512', 'a key for ES256 has 256 bits and no other size'],
  ] as const) {
    assert.deepEqual(await generate('--alg', alg, '--bits', bits), {
      code: 1,
      out: '',
      err: `oathkeeper: ${sentence}\n`,
    })
  }
  for (const argv of [[], ['--alg', 'none'], ['--alg', 'RS256', '--bits', 'many']]) {
    assert.equal((await generate(...argv)).code, 2)
  }
})
