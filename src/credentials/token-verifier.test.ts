import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { makeJwk, publicHalf } from '../../test/support/jwks.ts'
import { encodePart, signJwt } from '../../test/support/sign-jwt.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createKeySets } from './key-sets.ts'
import { createTokenVerifiers } from './token-verifier.ts'

const RSA = makeJwk('rsa', 'RS256')
const EC = makeJwk('ec', 'ES256')
const SECRET = makeJwk('secret', 'HS256')
const SETS: Record<string, readonly object[]> = {
  all: [publicHalf(RSA), publicHalf(EC), SECRET],
  rotated: [publicHalf(makeJwk('rsa', 'RS256'))],
}

async function createRig(_t: TestContext, maxCacheChars?: number) {
  const rig = { set: 'all', reads: 0, clock: createTestClock() }
  const reader = {
    check: () => {},
    read: () => {
      rig.reads++
      return Promise.resolve(Buffer.from(JSON.stringify({ keys: SETS[rig.set] })))
    },
  }
  const keySets = createKeySets({ reader, clock: rig.clock })
  const verifiers = createTokenVerifiers({ keySets, ...(maxCacheChars !== undefined && { maxCacheChars }) })
  const verifierFor = (algorithms: readonly string[], location = 'all') =>
    verifiers.with({ locations: [location], maxAgeMs: 30_000, maxWaitMs: 1000, algorithms })
  const verifier = verifierFor(['RS256', 'ES256', 'HS256'])
  await verifier.verify(signJwt(RSA, { sub: 'warm' }))
  return Object.assign(rig, { verifier, verifierFor, verify: async (token: string) => verifier.verify(token) })
}

test('claims are given at once while the keys are at hand, and remembered', async (t) => {
  const { verifier } = await createRig(t)
  const token = signJwt(EC, { sub: 'alice' })
  const claims = verifier.verify(token)
  assert.ok(!(claims instanceof Promise))
  assert.deepEqual(claims, { sub: 'alice' })
  assert.equal(verifier.verify(`${token}`), claims)
})

test('V-124: two tokens that are alike have their own claims, also from memory', async (t) => {
  const { verifier } = await createRig(t)
  const [alice, clair] = [signJwt(SECRET, { sub: 'alice' }), signJwt(SECRET, { sub: 'clair' })]
  assert.equal(alice.length, clair.length)
  for (let i = 0; i < 3; i++) {
    assert.deepEqual([verifier.verify(alice), verifier.verify(clair)], [{ sub: 'alice' }, { sub: 'clair' }])
  }
})

test('what is remembered for some algorithms is not good for others', async (t) => {
  const { verifier, verifierFor } = await createRig(t)
  const token = signJwt(EC, { sub: 'alice' })
  await verifier.verify(token)
  await assert.rejects(async () => verifierFor(['RS256']).verify(token), /algorithm is not accepted/)
})

test('a remembered token is refused once its key is taken out of the set', async (t) => {
  const rig = await createRig(t)
  const token = signJwt(RSA, { sub: 'alice' })
  await rig.verify(token)
  rig.set = 'rotated'
  rig.clock.advance(31_000)
  await assert.rejects(rig.verify(token), /signature is wrong/)
})

const now = { sub: 'alice' }
const hs = (key: Buffer | string, header: object = {}) => {
  const jwk = { ...SECRET, k: Buffer.from(key).toString('base64url') }
  return signJwt(jwk, now, { ...header })
}
const RSA_TEXT = JSON.stringify(publicHalf(RSA))

for (const [what, token] of Object.entries({
  'no signature': signJwt(RSA, now).replace(/[^.]*$/, ''),
  'a changed signature': signJwt(RSA, now).replace(/.{4}$/, 'AAAA'),
  'alg none': `${encodePart({ alg: 'none', kid: 'rsa' })}.${encodePart(now)}.`,
  'alg nOnE': `${encodePart({ alg: 'nOnE', kid: 'rsa' })}.${encodePart(now)}.`,
  'V-122: HS256 with the public key as secret': hs(RSA_TEXT, { kid: 'rsa' }),
  'HS256 with an empty key': hs('', { kid: 'secret' }),
  'another RSA key under the same id': signJwt(makeJwk('rsa', 'RS256'), now),
  'an EC token under the id of the RSA key': signJwt(EC, now, { kid: 'rsa' }),
  'RS512 with a key for RS256': signJwt({ ...RSA, alg: 'RS512' }, now),
  'no kid': signJwt(RSA, now, { kid: undefined }),
  'an empty kid': signJwt(RSA, now, { kid: '' }),
  'a kid that is no text': signJwt(RSA, now, { kid: 7 }),
  'B-17: crit': signJwt(RSA, now, { crit: ['x'], x: 1 }),
  'B-17: empty crit': signJwt(RSA, now, { crit: [] }),
  'B-17: b64 false': signJwt(RSA, now, { b64: false }),
  'B-16: a logout token by its type': signJwt(RSA, now, { typ: 'logout+jwt' }),
  'B-16: a security event': signJwt(RSA, now, { typ: 'application/secevent+jwt' }),
  'B-16: a DPoP proof': signJwt(RSA, now, { typ: 'dpop+jwt' }),
  'B-16: a logout token by its event': signJwt(RSA, {
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  }),
  'B-19: a repeated claim': signJwt(RSA, '{"sub":"a","sub":"b"}'),
  'B-19: claims with a byte order mark': signJwt(RSA, '\ufeff{"sub":"a"}'),
  'B-19: data behind the claims': signJwt(RSA, '{"sub":"a"} x'),
  'claims that are a list': signJwt(RSA, '["sub"]'),
  'V-104: claims that are nested too deep': signJwt(RSA, `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`),
  padding: `${signJwt(RSA, now)}=`,
})) {
  test(`${what} is refused`, async (t) => {
    const { verify } = await createRig(t)
    await assert.rejects(verify(token), { name: 'TokenError' })
    await assert.rejects(verify(token), { name: 'TokenError' })
  })
}

for (const typ of [undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt', 'JOSE']) {
  test(`B-16: typ ${typ} may be a bearer token`, async (t) => {
    const { verify } = await createRig(t)
    assert.deepEqual(await verify(signJwt(RSA, now, { typ })), now)
  })
}

test('B-15: jku, x5u, jwk and x5c of the header are not looked at', async (t) => {
  const { verify } = await createRig(t)
  const own = makeJwk('rsa', 'RS256')
  const header = { jku: 'http://127.0.0.1:1/', x5u: 'http://127.0.0.1:1/', jwk: publicHalf(own), x5c: ['x'] }
  await assert.rejects(verify(signJwt(own, now, header)), { name: 'TokenError' })
  assert.deepEqual(await verify(signJwt(RSA, now, header)), now)
})

test('B-20: what is too large or not three parts is refused before any work', async (t) => {
  const { verify } = await createRig(t)
  const started = performance.now()
  for (const token of ['.'.repeat(100_000), `${'a'.repeat(1_000_000)}.b.c`, 'a.b.c.d.e', `${'a'.repeat(30_000)}.b.c`]) {
    await assert.rejects(verify(token), { name: 'TokenError' })
  }
  assert.ok(performance.now() - started < 50)
})

test('no algorithm that is supported is a mistake; unknown ones beside others are not', async (t) => {
  const { verifierFor } = await createRig(t)
  assert.throws(() => verifierFor(['none', 'XX256']), /none of the algorithms/)
  assert.deepEqual(await verifierFor(['none', 'RS256']).verify(signJwt(RSA, now)), now)
})

test('memory stays flat over distinct tokens', async (t) => {
  const { verifier } = await createRig(t, 100_000)
  const token = signJwt(SECRET, { sub: 'first' })
  const first = verifier.verify(token)
  assert.equal(verifier.verify(token), first)
  for (let i = 0; i < 2000; i++) await verifier.verify(signJwt(SECRET, { sub: `user-${i}` }))
  // The first one was pushed out: its claims are another object.
  assert.notEqual(verifier.verify(token), first)
})
