import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { callbackUrl, type LoginRigOptions, providerOptions, startLogin } from '../../test/support/login-rig.ts'
import { type MockProvider, type MockSwitches, startMockProvider } from '../../test/support/mock-provider.ts'
import { Visitor } from '../../test/support/visitor.ts'

async function start(t: TestContext, options: LoginRigOptions = {}) {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], options)
  const visitor = new Visitor()
  const finish = async () => visitor.go(await callbackUrl(visitor, rig))
  return { provider, rig, visitor, finish }
}

/** No session, no cookie, no UserInfo request: the token was believed in nothing. */
async function assertRejected(
  t: TestContext,
  switches: MockSwitches | ((provider: MockProvider) => MockSwitches),
  options: LoginRigOptions = {},
) {
  const { provider, rig, finish } = await start(t, { ...options, provider: { userinfo: true, ...options.provider } })
  Object.assign(provider.switches, typeof switches === 'function' ? switches(provider) : switches)
  const answer = await finish()
  assert.equal(answer.status, 400, answer.text)
  assert.match(answer.text, /could not be verified/)
  assert.equal(rig.store.sizes.sessions, 0)
  assert.ok(!answer.setCookies.some((line) => line.startsWith('oathkeeper=')))
  assert.equal(provider.asked('/userinfo').length, 0)
  const logged = rig.log.find(({ message }) => message === 'a login route refused a request')
  assert.match(String(logged?.fields['detail']), /ID token/)
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const mallory = generateKeyPairSync('rsa', { modulusLength: 2048 })

const cases: Record<string, MockSwitches | ((provider: MockProvider) => MockSwitches)> = {
  'B-01: of another issuer': { claims: (claims) => ({ ...claims, iss: `${String(claims['iss'])}/` }) },
  'B-02: for other clients too': { claims: (claims) => ({ ...claims, aud: ['client', 'other'], azp: 'client' }) },
  'B-03: with a foreign azp': { claims: (claims) => ({ ...claims, azp: 'other' }) },
  'B-04: of another key': { key: mallory.privateKey },
  'B-04: with a cut signature': { idToken: (token) => token.slice(0, -10) },
  'B-04: without a signature': { idToken: (token) => `${token.split('.').slice(0, 2).join('.')}.` },
  'B-05: unsigned': { idToken: (token) => `${part({ alg: 'none' })}.${token.split('.')[1]}.` },
  'B-05: signed by HMAC with the public key': (provider) => ({
    idToken: (token) => {
      const input = `${part({ alg: 'HS256', kid: 'k1' })}.${token.split('.')[1]}`
      const pem = provider.keys.publicKey.export({ type: 'spki', format: 'pem' })
      return `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`
    },
  }),
  'B-05: by an algorithm that the provider does not name': { header: (header) => ({ ...header, alg: 'PS256' }) },
  'B-07: that is over': { claims: (claims) => ({ ...claims, exp: 1 }) },
  'B-08: from the future': { claims: (claims) => ({ ...claims, iat: Number(claims['iat']) + 3600 }) },
  'B-09: of another login': { claims: (claims) => ({ ...claims, nonce: 'x'.repeat(32) }) },
  'B-09: without nonce': { claims: (claims) => ({ ...claims, nonce: undefined }) },
  'B-11: of another access token': { claims: (claims) => ({ ...claims, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }) },
  'B-16: that is an access token': { header: (header) => ({ ...header, typ: 'at+jwt' }) },
  'B-16: that is a logout token': {
    claims: (claims) => ({ ...claims, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
  },
  'B-18: of a key that is not there': { header: (header) => ({ ...header, kid: 'unknown' }) },
  'B-19: with two subjects': { claims: (claims) => JSON.stringify(claims).replace('{', '{"sub":"mallory",') },
  'B-20: of 64 KB': { claims: (claims) => ({ ...claims, pad: 'x'.repeat(48 * 1024) }) },
  'V-104: of 10,000 levels': {
    claims: (claims) => JSON.stringify(claims).replace('{', `{"a":${'['.repeat(1e4)}${']'.repeat(1e4)},`),
  },
  'that is no token': { idToken: () => 'abc' },
}
for (const [name, switches] of Object.entries(cases)) {
  test(`${name}: an ID token like that lets nobody in`, (t) => assertRejected(t, switches))
}

test('B-10: max_age and acr_values that are asked for are checked', async (t) => {
  const asked = { provider: { authorizationParams: { max_age: '300' } } }
  await assertRejected(t, { claims: (claims) => ({ ...claims, auth_time: undefined }) }, asked)
  await assertRejected(t, { claims: (claims) => ({ ...claims, auth_time: Number(claims['auth_time']) - 3600 }) }, asked)
  const acr = { provider: { authorizationParams: { acr_values: 'gold platinum' } } }
  await assertRejected(t, {}, acr)
  const { provider, finish } = await start(t, acr)
  provider.switches.claims = (claims) => ({ ...claims, acr: 'platinum' })
  assert.equal((await finish()).status, 302)
})

test('B-11: an ID token without at_hash is accepted in the code flow', async (t) => {
  const { provider, finish } = await start(t)
  provider.switches.claims = (claims) => ({ ...claims, at_hash: undefined })
  assert.equal((await finish()).status, 302)
})

test('B-06: with a registered HS256 the client secret is the key, and no other algorithm is taken', async (t) => {
  const hs256 = { provider: { idTokenAlgorithm: 'HS256' } } as const
  const { provider, finish } = await start(t, hs256)
  provider.switches.idToken = (token) => {
    const input = `${part({ alg: 'HS256' })}.${token.split('.')[1]}`
    return `${input}.${createHmac('sha256', provider.clientSecret).update(input).digest('base64url')}`
  }
  assert.equal((await finish()).status, 302)
  assert.equal(provider.asked('/jwks').length, 0)
  await assertRejected(t, {}, hs256)
})

test('B-13: people are told apart by issuer and sub, exactly', async (t) => {
  const [one, two] = [await startMockProvider(t), await startMockProvider(t)]
  const rig = await startLogin(t, [providerOptions(one, { id: 'one' }), providerOptions(two, { id: 'two' })])
  const open = async (id: string, sub: string) => {
    one.sub = two.sub = sub
    const visitor = new Visitor()
    await visitor.follow(rig.url(`/.oathkeeper/login?provider=${id}`))
    return rig.login.reader.open(visitor.cookie('127.0.0.1', 'oathkeeper')!)
  }
  const sessions = [await open('one', 'Alice'), await open('two', 'Alice'), await open('one', 'alice')]
  const identities = sessions.map((session) => JSON.stringify([session?.issuer, session?.subject]))
  assert.equal(new Set(identities).size, 3)
  assert.deepEqual(
    sessions.map((session) => session?.subject),
    ['Alice', 'Alice', 'alice'],
  )
})

test('B-15: what the header of a token points at is not fetched', async (t) => {
  let connections = 0
  const canary = createServer((socket) => {
    connections++
    socket.destroy()
  })
  await new Promise<void>((done) => canary.listen(0, '127.0.0.1', done))
  t.after(() => canary.close())
  const url = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/`
  const jwk = mallory.publicKey.export({ format: 'jwk' })
  await assertRejected(t, { key: mallory.privateKey, header: (header) => ({ ...header, jku: url, x5u: url, jwk }) })
  assert.equal(connections, 0)
})

test('B-18: a provider that changes its key is followed without a restart', async (t) => {
  const { provider, finish } = await start(t)
  assert.equal((await finish()).status, 302)
  provider.switches.key = mallory.privateKey
  provider.switches.header = (header) => ({ ...header, kid: 'k2' })
  provider.switches.jwks = () => ({ keys: [{ ...mallory.publicKey.export({ format: 'jwk' }), kid: 'k2' }] })
  assert.equal((await finish()).status, 302)
})

test('B-12: UserInfo joins the claims, what is signed stands', async (t) => {
  const { rig, visitor, finish, provider } = await start(t, { provider: { userinfo: true } })
  await finish()
  const session = await rig.login.reader.open(visitor.cookie('127.0.0.1', 'oathkeeper')!)
  assert.deepEqual([session?.claims['nickname'], session?.claims['email']], ['from userinfo', 'alice@example.com'])
  assert.match(provider.asked('/userinfo')[0]?.headers.authorization ?? '', /^Bearer access-/)
})

for (const [name, userinfo, status] of [
  ['of another sub', { sub: 'bob' }, 400],
  ['of the same sub in other letters', { sub: 'Alice' }, 400],
  ['without sub', { nickname: 'x' }, 400],
  ['that is a list', [{ sub: 'alice' }], 502],
  ['that is a text', 'eyJ', 502],
] as const) {
  test(`B-12: UserInfo ${name} lets nobody in`, async (t) => {
    const { provider, rig, finish } = await start(t, { provider: { userinfo: true } })
    provider.switches.userinfo = () => userinfo
    assert.equal((await finish()).status, status)
    assert.equal(rig.store.sizes.sessions, 0)
  })
}

test('B-12: UserInfo as a JWT is not read', async (t) => {
  const { provider, rig, finish } = await start(t, { provider: { userinfo: true } })
  provider.switches.routes = {
    '/userinfo': (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/jwt' }).end('{"sub":"alice"}'),
  }
  assert.equal((await finish()).status, 502)
  assert.equal(rig.store.sizes.sessions, 0)
})

test('V-073: claims are taken literally, whatever they look like', async (t) => {
  const { provider, rig, visitor, finish } = await start(t)
  const odd = { email: 'admin＠example.com', name: '名前\u2028\u0085', website: '／／evil．test' }
  provider.switches.claims = (claims) => ({ ...claims, ...odd })
  await finish()
  const session = await rig.login.reader.open(visitor.cookie('127.0.0.1', 'oathkeeper')!)
  for (const [name, value] of Object.entries(odd)) assert.equal(session?.claims[name], value)
})
