import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { RequestView } from '../../src/kernel/request.ts'
import { startLogin } from '../support/login-rig.ts'
import { eventually } from '../support/eventually.ts'
import { logIn, startProduct } from '../support/product.ts'
import { type RealProviderOptions, signInAs, startRealProvider } from '../support/real-provider.ts'
import { createTestClock, type TestClock } from '../support/test-clock.ts'
import { type Arrival, Visitor } from '../support/visitor.ts'

type Config = Readonly<Record<string, unknown>>

interface Setup extends RealProviderOptions {
  /** Of the authenticator `session` of /vault. */
  readonly config: Config
  readonly front?: RequestView['front']
}

/** A clock that the provider goes by too. */
function sharedClock(t: TestContext): TestClock {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const timers = createTestClock()
  return {
    now: () => Date.now(),
    schedule: (delayMs, run) => timers.schedule(delayMs, run),
    advance(byMs) {
      t.mock.timers.setTime(Date.now() + byMs)
      timers.advance(byMs)
    },
    pending: 0,
  }
}

async function start(t: TestContext, { config, front, ...provider }: Setup) {
  const clock = sharedClock(t)
  const vault = { authenticators: [{ handler: 'session', config }] }
  const rig = await startLogin(t, async (origin) => [(await startRealProvider(t, origin, provider)).options()], {
    clock,
    rules: { vault, lounge: {} },
    ...(front !== undefined && { front }),
  })
  const visitor = new Visitor()
  const ticket = () => visitor.cookie('127.0.0.1', 'oathkeeper') ?? ''
  return { clock, rig, visitor, ticket }
}

const asksForPerson = ({ text }: Arrival) => /action="\/sign-in\//.test(text)

/** Parameters of the authorization requests on a way. */
const askedOn = ({ trail }: Arrival) =>
  trail
    .map((url) => new URL(url))
    .filter(({ pathname, searchParams }) => pathname === '/auth' && searchParams.has('client_id'))
    .map(({ searchParams }) => ['acr_values', 'max_age', 'prompt'].map((name) => searchParams.get(name)))

for (const front of ['proxy', 'decision'] as const) {
  test(`oidc-provider, ${front}: a rule’s acr is asked for, given, and good for as long as the session is`, async (t) => {
    const { rig, visitor, ticket } = await start(t, {
      config: { acr: ['gold', 'platinum'] },
      acrValues: ['silver', 'gold', 'platinum'],
      front,
    })
    await signInAs(visitor, await visitor.follow(rig.url('/lounge')), 'ada', 'silver')
    const before = ticket()
    const form = await visitor.follow(rig.url('/vault?x=1'))
    assert.ok(asksForPerson(form))
    assert.deepEqual(askedOn(form), [['gold platinum', null, null]])
    const arrival = await signInAs(visitor, form, 'ada', 'platinum')
    assert.deepEqual([arrival.status, arrival.url], [200, rig.url('/vault?x=1')])
    assert.equal(JSON.parse(arrival.text).extra.session.acr, 'platinum')
    assert.notEqual(ticket(), before)
    assert.equal(await rig.login.reader.open(before), undefined)
    assert.equal((await visitor.go(rig.url('/vault'))).status, 200)
  })
}

test('oidc-provider: who signs in with less is told so, once, and goes on with the session from before', async (t) => {
  const { rig, visitor } = await start(t, { config: { acr: 'gold' }, acrValues: ['silver', 'gold'] })
  await signInAs(visitor, await visitor.follow(rig.url('/lounge')), 'ada', 'silver')
  const arrival = await signInAs(visitor, await visitor.follow(rig.url('/vault')), 'ada', 'silver')
  assert.equal(arrival.status, 403)
  assert.match(arrival.text, /This page needs another sign-in/)
  assert.equal((await visitor.go(rig.url('/lounge'))).status, 200)
  const [, again = ''] = /href="([^"]*)">Start again/.exec(arrival.text) ?? []
  const second = await visitor.follow(again.replaceAll('&amp;', '&'))
  assert.ok(asksForPerson(second))
  assert.equal((await signInAs(visitor, second, 'ada', 'gold')).url, rig.url('/vault'))
})

test('oidc-provider: a provider that knows no acr is a page at once', async (t) => {
  const { rig, visitor } = await start(t, { config: { acr: 'gold' } })
  await signInAs(visitor, await visitor.follow(rig.url('/lounge')), 'ada')
  const arrival = await visitor.follow(rig.url('/vault'))
  const end = asksForPerson(arrival) ? await signInAs(visitor, arrival, 'ada') : arrival
  assert.deepEqual([end.status, end.url.includes('/.oathkeeper/callback')], [403, true])
})

test('oidc-provider: max_age has the person authenticate anew once it is over, however the seconds fall', async (t) => {
  const { clock, rig, visitor } = await start(t, { config: { max_age: '5m' } })
  await signInAs(visitor, await visitor.follow(rig.url('/vault')), 'ada')
  for (const waitMs of [300_000, 299_999, 301_000, 600_000]) {
    clock.advance(waitMs)
    const arrival = await visitor.follow(rig.url('/vault'))
    if (!asksForPerson(arrival)) {
      assert.equal(arrival.url, rig.url('/vault'), `${waitMs}`)
      continue
    }
    const asked = askedOn(arrival)
    assert.deepEqual(asked[0], [null, '300', null])
    assert.ok(asked.length <= 2)
    const back = await signInAs(visitor, arrival, 'ada')
    assert.deepEqual([back.status, back.url], [200, rig.url('/vault')], `${waitMs}`)
  }
})

test('a whole Oathkeeper: on the proxy and on the decision API, without a circle', async () => {
  await using product = await startProduct({
    rules: (door, upstream) => {
      const rule = (name: string, config: Config) => ({
        id: name,
        match: { url: `${door}/${name}`, methods: ['GET'] },
        authenticators: [{ handler: 'session', config }],
        authorizer: { handler: 'allow' },
        mutators: [{ handler: 'noop' }],
        upstream: { url: upstream },
      })
      return [rule('recent', { max_age: '6s' }), rule('golden', { acr: 'gold' })]
    },
  })
  const ada = new Visitor()
  const door = new URL(product.door)
  const decision = async (path: string) =>
    fetch(`${product.instances[0]?.apiUrl}/decisions${path}`, {
      redirect: 'manual',
      headers: {
        'x-forwarded-proto': 'http',
        'x-forwarded-host': door.host,
        cookie: ada.cookieHeader(door),
        accept: 'application/json',
      },
    })
  // The application has no such page: its 404 is what is let through.
  assert.equal((await logIn(ada, `${product.door}/recent`)).url, `${product.door}/recent`)
  assert.equal((await decision('/recent')).status, 200)
  const challenge = 'Bearer error="insufficient_user_authentication", max_age="6", Login realm="oathkeeper"'
  const refused = await eventually(
    () => decision('/recent'),
    ({ status }) => status === 401,
    30_000,
  )
  assert.equal(refused.headers.get('www-authenticate'), challenge)
  assert.match(
    refused.headers.get('link') ?? '',
    /\/login\?return_to=%2Frecent&provider=people&max_age=6>; rel="login"/,
  )
  assert.equal((await ada.go(`${product.door}/me`)).status, 200)
  assert.equal((await logIn(ada, `${product.door}/recent`)).url, `${product.door}/recent`)

  const end = await ada.follow(`${product.door}/golden`)
  assert.deepEqual([end.status, end.trail.length <= 6], [403, true])
  assert.match(end.text, /This page needs another sign-in/)
  assert.equal((await ada.go(`${product.door}/me`)).status, 200)
})
