import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type MockProvider, startMockProvider } from '../../../test/support/mock-provider.ts'
import {
  giveJwtAccessTokens,
  type RuleLoginRigOptions,
  startRuleLogin,
  type Told,
} from '../../../test/support/rule-login-rig.ts'
import { Visitor } from '../../../test/support/visitor.ts'

async function start(t: TestContext, bend: (mock: MockProvider) => void, options: RuleLoginRigOptions = {}) {
  const mock = await startMockProvider(t)
  giveJwtAccessTokens(mock)
  bend(mock)
  const rig = await startRuleLogin(t, mock, options)
  const arrival = await new Visitor().follow(rig.url('/home'))
  return { mock, rig, arrival }
}

const bendClaims =
  (changes: Readonly<Record<string, unknown>>, more: (mock: MockProvider) => void = () => {}) =>
  (mock: MockProvider) => {
    const before = mock.switches.claims
    mock.switches.claims = (claims) => ({ ...(before?.(claims) as object), ...changes })
    more(mock)
  }

const withoutDiscovery = (mock: MockProvider) => {
  mock.switches.discovery = () => ({})
}

test('without a discovery document: the ID token is believed for where it comes from, and its claims are checked', async (t) => {
  const { mock, rig, arrival } = await start(t, withoutDiscovery)
  assert.equal(arrival.status, 200)
  assert.equal(mock.asked('/jwks').length, 1, 'by session_jwt alone')
  assert.ok(rig.log.some(({ level, message }) => level === 'warn' && message.includes('no discovery document')))
})

const WRONG: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'A-09: another nonce': { nonce: 'another' },
  'no nonce': { nonce: undefined },
  'B-02: another audience': { aud: 'another' },
  'B-02: another audience too': { aud: ['client', 'another'] },
  'B-03: another party': { azp: 'another' },
  'B-07: an end that is past': { exp: 1 },
  'B-07: no end': { exp: undefined },
  'B-08: a time to come': { iat: 4_000_000_000 },
  'B-12: somebody else than UserInfo says': { sub: 'mallory' },
}
for (const [name, changes] of Object.entries(WRONG)) {
  test(`${name} ends the login, with a discovery document and without one`, async (t) => {
    for (const more of [() => {}, withoutDiscovery]) {
      const { rig, arrival } = await start(t, bendClaims(changes, more))
      assert.equal(arrival.status, 400)
      assert.match(arrival.text, /You were not signed in/)
      assert.equal(rig.store.sizes.sessions, 0)
    }
  })
}

test('B-01: without a discovery document, iss is the one that the response named', async (t) => {
  const { arrival } = await start(t, bendClaims({ iss: 'https://other.example' }, withoutDiscovery))
  assert.equal(arrival.status, 400)
})

test('B-04: with a discovery document the signature is verified', async (t) => {
  const { arrival } = await start(t, (mock) => {
    mock.switches.idToken = (token) => `${token.slice(0, -8)}AAAAAAAA`
  })
  assert.equal(arrival.status, 400)
})

test('A-11 A-12: iss of the response is compared where the issuer is known', async (t) => {
  for (const iss of ['https://other.example', undefined]) {
    const { mock, arrival } = await start(t, ({ switches }) => {
      switches.redirect = (location) => {
        location.searchParams.delete('iss')
        if (iss !== undefined) location.searchParams.set('iss', iss)
      }
    })
    assert.equal(arrival.status, 400, String(iss))
    assert.equal(mock.asked('/token').length, 0)
  }
})

const withoutIdToken = ({ switches }: MockProvider) => {
  switches.idToken = () => undefined
}

test('a provider without ID tokens: UserInfo says who it is', async (t) => {
  const { rig, arrival } = await start(t, (mock) => {
    withoutDiscovery(mock)
    mock.switches.idToken = () => undefined
  })
  assert.equal(arrival.status, 200)
  const { subject, extra } = JSON.parse(arrival.text) as Told
  assert.deepEqual([subject, extra['id_token']], ['alice', ''])
  assert.equal(rig.store.sizes.sessions, 1)
})

test('a provider that is known to be one of OpenID must give an ID token where `openid` is asked for', async (t) => {
  assert.equal((await start(t, withoutIdToken)).arrival.status, 502)
  const plain = await start(t, withoutIdToken, { begin: { scopes: ['profile'] } })
  assert.equal(plain.arrival.status, 200)
})

test('UserInfo that names nobody, or is no JSON, lets nobody in', async (t) => {
  for (const answer of [{}, { sub: '' }, { sub: 7 }, [], 'text']) {
    const { rig, arrival } = await start(t, (mock) => {
      withoutDiscovery(mock)
      mock.switches.idToken = () => undefined
      mock.switches.userinfo = () => answer
    })
    assert.ok(arrival.status >= 400, JSON.stringify(answer))
    assert.equal(rig.store.sizes.sessions, 0)
  }
})

test('a configured issuer is the one whose keys count', async (t) => {
  const wrong = await start(t, () => {}, { callback: { issuer: 'http://127.0.0.1:1' } })
  assert.equal(wrong.arrival.status, 503)
  const mock = await startMockProvider(t)
  giveJwtAccessTokens(mock)
  const rig = await startRuleLogin(t, mock, { callback: { issuer: mock.issuer } })
  assert.equal((await new Visitor().follow(rig.url('/home'))).status, 200)
  assert.equal(mock.asked('/.well-known/openid-configuration').length, 1)
})
