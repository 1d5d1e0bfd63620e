import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { withParams } from '../support/login-rig.ts'
import { type MockProvider, startMockProvider } from '../support/mock-provider.ts'
import {
  callbackUrl,
  giveJwtAccessTokens,
  type RuleLoginRigOptions,
  startRuleLogin,
  type Told,
} from '../support/rule-login-rig.ts'
import { createUnreliableStore } from '../support/unreliable-store.ts'
import { Visitor } from '../support/visitor.ts'

// What was wrong in the fork whose handlers these are, one by one; the numbers are those of the list that it was found by.

async function start(t: TestContext, options: RuleLoginRigOptions = {}, bend: (mock: MockProvider) => void = () => {}) {
  const mock = await startMockProvider(t)
  giveJwtAccessTokens(mock)
  bend(mock)
  const rig = await startRuleLogin(t, mock, options)
  return { mock, rig, visitor: new Visitor() }
}

const hasSession = (visitor: Visitor): boolean => visitor.cookie('127.0.0.1', 'IG_SESSION_ID') !== undefined

test('fork 1, A-02: of many callbacks with one state, at once or one after another, one gets to the provider', async (t) => {
  const { mock, rig, visitor } = await start(t)
  const back = await callbackUrl(visitor, rig)
  const answers = await Promise.all(Array.from({ length: 50 }, () => visitor.copy().go(back)))
  assert.equal(answers.filter(({ status }) => status === 302).length, 1)
  assert.equal((await visitor.go(back)).status, 400)
  assert.equal(mock.asked('/token').length, 1)
})

test('fork 2, A-01, V-079: a callback is worth nothing in another browser, and is not used up there', async (t) => {
  const { mock, rig, visitor } = await start(t)
  const back = await callbackUrl(visitor, rig)
  const victim = new Visitor()
  const answer = await victim.go(back)
  assert.equal(answer.status, 400)
  assert.ok(!hasSession(victim))
  assert.equal(mock.asked('/token').length, 0)
  assert.equal((await visitor.follow(back)).status, 200)
})

test('fork 3: a browser that was updated meanwhile, and calls itself otherwise, still logs in', async (t) => {
  const { rig, visitor } = await start(t)
  const back = await callbackUrl(visitor, rig)
  assert.equal((await visitor.go(back, { headers: { 'user-agent': 'Browser/2.0' } })).status, 302)
})

test('fork 4, A-33: only a person who goes to a page begins a login; states are bounded and end', async (t) => {
  const { mock, rig, visitor } = await start(t)
  const others: Readonly<Record<string, string>>[] = [
    { 'sec-fetch-mode': 'cors', accept: 'application/json' },
    { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', accept: 'image/*' },
    { 'sec-purpose': 'prefetch' },
    { accept: 'application/json', 'sec-fetch-mode': '', 'sec-fetch-dest': '' },
  ]
  for (const headers of others) {
    const answer = await visitor.go(rig.url('/home'), { headers })
    assert.equal(answer.status, 401, JSON.stringify(headers))
  }
  assert.equal(rig.store.sizes.states, 0)
  for (let i = 0; i < 1100; i++) await new Visitor().go(rig.url('/home'))
  assert.ok(rig.store.sizes.states <= 1000)
  rig.clock.advance(620_000)
  assert.equal(rig.store.sizes.states, 0)
  assert.equal(mock.asked('/authorize').length, 0)
})

test('fork 5: a nonce binds the ID token to the login, and it is verified before anything is done with it', async (t) => {
  const { mock, rig, visitor } = await start(t, {}, ({ switches }) => {
    switches.claims = (claims) => ({ ...claims, at_hash: undefined, nonce: 'of another login' })
  })
  assert.equal((await visitor.follow(rig.url('/home'))).status, 400)
  assert.equal(mock.asked('/userinfo').length, 0)
  assert.equal(rig.store.sizes.sessions, 0)
})

test('fork 6: what the provider refuses, and callbacks that are wrong, are 400 with a page that goes nowhere by itself', async (t) => {
  const request_url = {
    handler: 'redirect',
    config: { to: 'request_url', when: [{ error: ['unauthorized', 'internal_server_error'] }] },
  }
  const { rig, visitor } = await start(t, { callbackErrors: [request_url] })
  const back = await callbackUrl(visitor, rig)
  for (const changes of [{ code: undefined, error: 'access_denied' }, { code: undefined }, { state: undefined }]) {
    const answer = await visitor.go(withParams(back, changes))
    assert.equal(answer.status, 400)
    assert.equal(answer.headers['location'], undefined)
    assert.match(answer.headers['content-type'] ?? '', /^text\/html/)
    assert.doesNotMatch(answer.text, /http-equiv="refresh"/)
  }
})

test('fork 7: UserInfo is asked with the token and nothing else', async (t) => {
  const { mock, rig, visitor } = await start(t, { callback: { token_endpoint_auth_method: 'client_secret_post' } })
  await visitor.follow(rig.url('/home'))
  const [asked] = mock.asked('/userinfo')
  assert.equal(asked?.method, 'GET')
  assert.equal(asked?.headers['content-length'], undefined)
  assert.equal([...(asked?.form.keys() ?? [])].length, 0)
  assert.equal([...(asked?.query.keys() ?? [])].length, 0)
})

test('fork 8, A-20: the parts of Basic credentials are encoded before they are joined', async (t) => {
  const mock = await startMockProvider(t, { clientId: 'a:b', clientSecret: 'p:%+ &é' })
  giveJwtAccessTokens(mock)
  const rig = await startRuleLogin(t, mock)
  await new Visitor().follow(rig.url('/home'))
  const [, credentials = ''] = mock.asked('/token')[0]?.headers.authorization?.split(' ') ?? []
  const parts = Buffer.from(credentials, 'base64').toString().split(':')
  assert.deepEqual(
    parts.map((part) => new URLSearchParams(`x=${part}`).get('x')),
    ['a:b', 'p:%+ &é'],
  )
})

test('fork 9: an answer of the token endpoint that is none begins no session', async (t) => {
  const answers: ((body: Record<string, unknown>) => unknown)[] = [
    (body) => ({ ...body, access_token: '' }),
    (body) => ({ ...body, access_token: undefined }),
    (body) => ({ ...body, token_type: 'mac' }),
    (body) => ({ ...body, token_type: undefined }),
    () => [],
    () => 'access_token=x',
  ]
  for (const change of answers) {
    const { rig, visitor } = await start(t, {}, (mock) => giveJwtAccessTokens(mock, change))
    assert.equal((await visitor.follow(rig.url('/home'))).status, 502)
    assert.equal(rig.store.sizes.sessions, 0)
  }
})

test('fork 10, FM-30: a provider that does not answer is given up, and nobody else notices', async (t) => {
  const { rig, visitor } = await start(t, {}, ({ switches }) => {
    switches.routes = { '/token': () => undefined }
  })
  const back = await callbackUrl(visitor, rig)
  const begun = performance.now()
  const [answer, open] = await Promise.all([visitor.go(back), new Visitor().go(rig.url('/open'))])
  assert.equal(answer.status, 504)
  assert.equal(open.status, 200)
  assert.ok(performance.now() - begun < 5000)
})

test('fork 11 and 12, A-21: the callback leads to the page asked for, and code and state go nowhere else', async (t) => {
  const { rig, visitor } = await start(t)
  const back = await callbackUrl(visitor, rig, '/home/x?y=z')
  const answer = await visitor.go(back)
  assert.equal(answer.status, 302)
  assert.equal(answer.headers['location'], rig.url('/home/x?y=z'))
  assert.equal(answer.headers['referrer-policy'], 'no-referrer')
  assert.equal(answer.headers['cache-control'], 'no-store')
  const { searchParams } = new URL(back)
  const page = await visitor.go(rig.url('/home/x?y=z'))
  for (const secret of [searchParams.get('code'), searchParams.get('state')]) {
    assert.ok(secret !== null && !page.text.includes(secret) && !answer.text.includes(secret))
  }
})

test('fork 12, V-065, A-16: no address leads to another site after the login', async (t) => {
  const { rig } = await start(t)
  for (const path of [
    '//evil.test/home',
    '/home//evil.test',
    '/home/..//evil.test',
    '/home/%2F%2Fevil.test',
    '/home/\\evil.test',
  ]) {
    const visitor = new Visitor()
    const begun = await visitor.go(rig.origin + path)
    if (begun.status !== 302) continue
    const authorized = await visitor.go(begun.headers['location'] ?? '')
    const back = await visitor.go(authorized.headers['location'] ?? '')
    assert.ok(back.headers['location']?.startsWith(`${rig.origin}/`), `${path} → ${back.headers['location']}`)
  }
})

test('fork 16, E-02: a second login ends the session of the first', async (t) => {
  const { rig, visitor } = await start(t)
  const [one, two] = [await callbackUrl(visitor, rig), await callbackUrl(visitor, rig)]
  await visitor.go(one)
  const before = visitor.copy()
  assert.equal((await before.go(rig.url('/home'))).status, 200)
  await visitor.go(two)
  assert.equal((await visitor.go(rig.url('/home'))).status, 200)
  assert.equal((await before.go(rig.url('/home'))).status, 302)
})

test('fork 18: a state or a session that the store does not take is told, and no cookie is given for it', async (t) => {
  const failing = new Set<string>()
  const { mock, rig, visitor } = await start(t, {
    wrapStore: (store) => {
      const unreliable = createUnreliableStore(store)
      return new Proxy(unreliable, {
        get: (target, name) => {
          target.failing.clear()
          for (const one of failing) target.failing.add(one)
          return Reflect.get(target, name)
        },
      })
    },
  })
  failing.add('putState')
  const begun = await visitor.go(rig.url('/home'))
  assert.equal(begun.status, 503)
  assert.deepEqual(begun.setCookies, [])
  failing.delete('putState')
  const back = await callbackUrl(visitor, rig)
  failing.add('createSession')
  const answer = await visitor.go(back)
  assert.equal(answer.status, 503)
  assert.ok(!answer.setCookies.some((line) => line.startsWith('IG_SESSION_ID=')))
  assert.ok(!hasSession(visitor))
  assert.equal(mock.asked('/token').length, 1)
})

test('fork 28, A-17: a redirect to the provider is 302, whatever `code` says, and is not kept', async (t) => {
  const { rig, visitor } = await start(t, { begin: { code: 301 }, end: { code: 301 } })
  const begun = await visitor.go(rig.url('/home'))
  assert.deepEqual([begun.status, begun.headers['cache-control']], [302, 'no-store'])
  const out = await visitor.go(rig.url('/logout'))
  assert.deepEqual([out.status, out.headers['cache-control']], [302, 'no-store'])
})

test('fork 31, A-30, H-10: no token, ticket, state or code is in a log line or in an answer to the browser', async (t) => {
  const { mock, rig, visitor } = await start(t)
  const back = await callbackUrl(visitor, rig)
  await visitor.go(back)
  await visitor.go(withParams(back, { code: 'another' }))
  const told = JSON.parse((await visitor.go(rig.url('/home'))).text) as Told
  const ticket = visitor.cookie('127.0.0.1', 'IG_SESSION_ID') ?? 'none'
  const answers = rig.replies.filter(({ headers }) => !headers.some(([, value]) => value === 'application/json'))
  await visitor.go(rig.url('/logout'))
  const { searchParams } = new URL(back)
  const secrets = [ticket, searchParams.get('code'), searchParams.get('state'), mock.clientSecret, ...mock.given]
  const log = JSON.stringify(rig.log)
  for (const secret of secrets) {
    assert.ok(secret !== null && secret.length > 8)
    assert.ok(!log.includes(secret), 'in the log')
  }
  for (const token of mock.given) assert.ok(!JSON.stringify(answers).includes(token), 'in an answer')
  assert.notEqual(told.extra['IG_SESSION_ID'], ticket)
})

test('a session whose token the rule does not take does not go round in circles', async (t) => {
  const { mock, rig, visitor } = await start(t, { sessionJwt: { target_audience: ['somebody else'] } })
  const arrival = await visitor.follow(rig.url('/home'))
  assert.equal(arrival.status, 403)
  assert.match(arrival.text, /You are signed in, but not let in/)
  assert.equal(mock.asked('/authorize').length, 1)
  rig.clock.advance(61_000)
  assert.equal((await visitor.go(rig.url('/home'))).status, 302, 'later it is tried again')
})

test('a token that is no JSON Web Token does not go round in circles either', async (t) => {
  const { rig, visitor } = await start(t, {}, (mock) => {
    giveJwtAccessTokens(mock, (body) => ({ ...body, access_token: 'opaque' }))
  })
  assert.equal((await visitor.follow(rig.url('/home'))).status, 403)
})

test('who may not come in is not sent to log in', async (t) => {
  const { mock, rig, visitor } = await start(t, { protectedAuthorizer: 'deny' })
  const arrival = await visitor.follow(rig.url('/home'))
  assert.equal(arrival.status, 403)
  assert.equal(mock.asked('/authorize').length, 1)
})
