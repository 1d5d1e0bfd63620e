import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVENT, start, isIn, assertRefused, encode, hmac } from '../../test/support/backchannel-rig.ts'

const now = 1_700_000_000
const WRONG: Readonly<Record<string, Record<string, unknown>>> = {
  'iss is missing': { iss: undefined },
  'iss is another issuer': { iss: 'https://evil.example' },
  'aud is missing': { aud: undefined },
  'aud is empty': { aud: [] },
  'aud is another client': { aud: 'other' },
  'aud is a number': { aud: 1 },
  'iat is missing': { iat: undefined },
  'iat is a text': { iat: String(now) },
  'iat is in milliseconds': { iat: now * 1000_000 },
  'exp is missing': { exp: undefined },
  'exp is null': { exp: null },
  'exp is long past': { exp: 1 },
  'exp is a text': { exp: '9999999999' },
  'jti is missing': { jti: undefined },
  'jti is empty': { jti: '' },
  'jti is a number': { jti: 7 },
  'sub is a number': { sub: 7 },
  'sid is empty': { sid: '' },
  'sid is null': { sid: null },
}

for (const [title, claims] of Object.entries(WRONG)) {
  test(`C-08: a token is refused when ${title}, and the session lives`, async (t) => {
    const s = await start(t)
    const alice = await s.logIn()
    assertRefused(await s.tell(await s.token(claims)))
    assert.equal(await isIn(s, alice), true)
  })
}

test('C-08: a token is refused when its signature or its algorithm is not the provider’s', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  const good = await s.token()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const publicKey = s.mock.keys.publicKey.export({ type: 'spki', format: 'pem' })
  const hs = `${encode({ alg: 'HS256', typ: 'logout+jwt' })}.${payload}`
  const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
  const none = ['none', 'None', 'NONE'].flatMap((alg) => [
    `${encode({ alg })}.${payload}.`,
    `${encode({ alg })}.${payload}`,
  ])
  const forged = [
    `${header}.${payload}.${flipped}`,
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}.${encode({ iss: s.mock.issuer })}.${signature}`,
    `${hs}.${hmac(publicKey, hs)}`,
    `${hs}.${hmac(s.mock.clientSecret, hs)}`,
    `${hs}.${hmac('', hs)}`,
    ...none,
    'x',
    '..',
    await s.token({}, { kid: 'other' }),
    await s.token({}, { crit: ['x'], x: 1 }).catch(() => 'x.y.z'),
  ]
  for (const token of forged) assertRefused(await s.tell(token))
  assert.equal(await isIn(s, alice), true)
  assert.equal((await s.tell(good)).status, 200)
})

test('C-08: where ID tokens are signed with the client’s secret, logout tokens are too, and by nothing else', async (t) => {
  const s = await start(t, { provider: { idTokenAlgorithm: 'HS256' } })
  assertRefused(await s.tell(await s.token()))
  const [, payload = ''] = (await s.token()).split('.')
  const input = `${encode({ alg: 'HS256', typ: 'logout+jwt' })}.${payload}`
  assert.equal((await s.tell(`${input}.${hmac(s.mock.clientSecret, input)}`)).status, 200)
})

test('C-09: events must be an object whose member for the logout is an object', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  for (const events of [
    undefined,
    null,
    EVENT,
    [EVENT],
    {},
    { [EVENT]: null },
    { [EVENT]: '' },
    { [EVENT]: [] },
    { [EVENT]: true },
    { 'http://schemas.openid.net/event/other': {} },
  ]) {
    assertRefused(await s.tell(await s.token({ events })))
  }
  assert.equal(await isIn(s, alice), true)
  assert.equal((await s.tell(await s.token({ events: { other: 1, [EVENT]: { more: 1 } } }))).status, 200)
})

test('C-10: without sub and sid it says nothing', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  assertRefused(await s.tell(await s.token({ sid: undefined })))
  assert.equal(await isIn(s, alice), true)
})

test('C-11: a token with a nonce is refused, whatever the nonce is, and so is an ID token', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  for (const nonce of ['n', '', null]) assertRefused(await s.tell(await s.token({ nonce })))
  const idToken = s.mock.given.findLast((token) => token.startsWith('eyJ')) ?? assert.fail()
  assertRefused(await s.tell(idToken))
  assert.equal(await isIn(s, alice), true)
})

test('C-12: logout+jwt is what it should be typed as; JWT and no type, which older providers send, are taken; others are not', async (t) => {
  const s = await start(t)
  for (const typ of ['logout+jwt', 'application/logout+jwt', 'LOGOUT+JWT', 'JWT', undefined]) {
    const alice = await s.logIn()
    assert.equal((await s.tell(await s.token({}, { typ }))).status, 200, String(typ))
    assert.equal(await isIn(s, alice), false)
  }
  const alice = await s.logIn()
  for (const typ of ['at+jwt', 'secevent+jwt', 'logout', 'dpop+jwt', '']) {
    assertRefused(await s.tell(await s.token({}, { typ })))
  }
  assert.equal(await isIn(s, alice), true)
})

test('C-12: a token is good for two minutes, and for one more by clocks that differ, whatever its exp says', async (t) => {
  const s = await start(t)
  const alice = await s.logIn()
  const seconds = Math.floor(s.clock.now() / 1000)
  for (const iat of [seconds - 3600, seconds - 182, seconds + 62]) {
    assertRefused(await s.tell(await s.token({ iat, exp: seconds + 7200 })))
  }
  assertRefused(await s.tell(await s.token({ exp: seconds - 61 })))
  assert.equal(await isIn(s, alice), true)
  // Made long before the session began: it is about others.
  assert.equal((await s.tell(await s.token({ iat: seconds - 100, exp: seconds - 30 }))).status, 200)
  assert.equal((await s.tell(await s.token({ iat: seconds + 58 }))).status, 200)
  assert.equal(await isIn(s, alice), false)
})
