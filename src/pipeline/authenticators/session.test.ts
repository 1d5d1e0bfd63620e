import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, createTestRegistry, makeRule, type TestRule } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { LOGIN_ENTRY, openedSession, sessionReader } from '../../../test/support/sessions.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { GateError } from '../../kernel/errors.ts'
import type { Decision } from '../../kernel/gate.ts'
import type { Session } from '../../sessions/contract.ts'
import type { SessionReader } from '../deps.ts'

const ALICE = openedSession()
const KNOWN: SessionReader['open'] = (ticket) => (ticket === 'alice' ? ALICE : undefined)

function decide(
  open: SessionReader['open'],
  cookies: readonly string[],
  rule: TestRule = {},
): Decision | Promise<Decision> {
  const deps = { sessions: sessionReader(open), login: LOGIN_ENTRY }
  const gate = createTestGate({ rules: [{ authenticators: ['session'], ...rule }], deps })
  return gate.decide(requestView({ headers: cookies.map((cookie) => ['Cookie', cookie] as const) }))
}

async function statusOf(decision: Decision | Promise<Decision>): Promise<number> {
  const made = await decision
  return made.granted ? 200 : made.reply.status
}

test('a live session gives its subject and claims, at once where it can', () => {
  const decision = decide(KNOWN, ['a=b; session=alice'])
  assert.ok(!(decision instanceof Promise))
  assert.ok(decision.granted)
  const { subject, extra, sessionId } = decision.exchange
  assert.deepEqual({ subject, extra, sessionId }, { subject: 'alice', extra: ALICE.claims, sessionId: 'public-id' })
})

test('it is known for streams which ticket let a request in, and what holds for it in an outage', async () => {
  const strict = { authenticators: [{ handler: 'session', config: { store_outage: 'deny' } }] }
  for (const open of [KNOWN, async () => ALICE] satisfies SessionReader['open'][]) {
    for (const [rule, expected] of [
      [{}, 'grace'],
      [strict, 'deny'],
    ] as const) {
      const { exchange } = await decide(open, ['session=alice'], rule)
      assert.deepEqual([exchange.sessionTicket, exchange.sessionOutage], ['alice', expected])
    }
  }
  const rule = { authenticators: ['session', 'anonymous'] }
  const { exchange } = await decide(() => undefined, ['session=stale'], rule)
  assert.equal(exchange.sessionId, undefined, 'nobody is let in by this ticket')
})

test('a session that has to be fetched is waited for', async () => {
  const decision = decide(() => Promise.resolve(ALICE), ['session=x'])
  assert.ok(decision instanceof Promise)
  assert.equal(await statusOf(decision), 200)
})

test('store_outage says what holds while the store is away; grace by default', async () => {
  const asked: unknown[] = []
  const open: SessionReader['open'] = (_, outage) => {
    asked.push(outage)
    return ALICE
  }
  await decide(open, ['session=alice'])
  await decide(open, ['session=alice'], { authenticators: [{ handler: 'session', config: { store_outage: 'deny' } }] })
  assert.deepEqual(asked, ['grace', 'deny'])
  const { problems } = createTestRegistry({ sessions: sessionReader(KNOWN), login: LOGIN_ENTRY }).compileRule(
    makeRule({ authenticators: [{ handler: 'session', config: { store_outage: 'allow' } }] }),
  )
  assert.match(problems[0]?.message ?? '', /grace|deny/)
})

test('D-07: a cookie that comes in a second line counts', async () => {
  assert.equal(await statusOf(decide(KNOWN, ['a=b', 'session=alice'])), 200)
})

test('D-08: of two tickets neither counts, in either order', async () => {
  assert.equal(await statusOf(decide(KNOWN, ['session=alice; session=x'])), 401)
  assert.equal(await statusOf(decide(KNOWN, ['session=x', 'session=alice'])), 401)
})

test('V-037 V-071: no malformed cookie lets anybody in', async () => {
  const cookies = [
    '',
    '=',
    ';',
    'session',
    'session=',
    'session=%',
    'session=%E0%A4%A',
    'session=null',
    'session=undefined',
    'session=0',
    'session=alice,',
    'session="alice"',
    'session=alice\u0000',
    'session =alice',
    'SESSION=alice',
    '__Host-session=alice',
    'session=alice; session=',
    'session=; session=alice',
    'session=alice==',
    'session[]=alice',
    'session=[object Object]',
    'session={}',
    'session=true',
    'session=alice%00',
    'session=alice\t',
    'session==alice',
    ' session=x',
    'session=ALICE',
    'session=é',
    `session=${'a'.repeat(5000)}`,
  ]
  assert.equal(cookies.length, 30)
  for (const cookie of cookies) assert.equal(await statusOf(decide(KNOWN, [cookie])), 401, cookie)
})

test('without a live session the next authenticator is asked', async () => {
  const both = { authenticators: ['session', 'anonymous'] }
  for (const cookies of [[], ['a=b'], ['session=gone']]) {
    const decision = await decide(KNOWN, cookies, both)
    assert.ok(decision.granted)
    assert.equal(decision.exchange.subject, 'anonymous')
    assert.equal(decision.exchange.sessionId, undefined)
  }
})

test('V-058: a bearer token is no session', async () => {
  const deps = { sessions: sessionReader(KNOWN), login: LOGIN_ENTRY }
  const gate = createTestGate({ rules: [{ authenticators: ['session'] }], deps })
  const headers: [string, string][] = [['Authorization', 'Bearer alice']]
  assert.equal(await statusOf(gate.decide(requestView({ headers }))), 401)
})

test('FM-04: a store that cannot be asked is 503 with Retry-After, never the next authenticator and never a cookie', async () => {
  const failures: SessionReader['open'][] = [
    () => {
      throw new GateError('ERR_SESSION_STORE_UNAVAILABLE')
    },
    () => Promise.reject(new GateError('ERR_SESSION_STORE_UNAVAILABLE')),
    () => Promise.reject(new Error('connection lost')),
  ]
  for (const open of failures) {
    const decision = await decide(open, ['session=alice'], { authenticators: ['session', 'anonymous'] })
    assert.ok(!decision.granted)
    assert.equal(decision.error.code, 'ERR_SESSION_STORE_UNAVAILABLE')
    assert.equal(decision.reply.status, 503)
    assert.ok(!decision.reply.body.includes('connection lost'))
    assert.deepEqual(
      decision.reply.headers.filter(([name]) => name === 'Retry-After' || name === 'Set-Cookie'),
      [['Retry-After', '1']],
    )
  }
})

test('FM-04: the login handler sends nobody away for a store error: a script gets the error', async () => {
  const rule = { errors: ['login', 'json'] }
  const decision = await decide(() => Promise.reject(new Error('down')), ['session=alice'], rule)
  assert.ok(!decision.granted)
  assert.equal(decision.reply.status, 503)
  assert.equal(JSON.parse(decision.reply.body).error.code, 503)
})

const accepting = (provider: unknown): TestRule => ({
  authenticators: [{ handler: 'session', config: { provider } }],
})

test('a rule can accept some providers only', async () => {
  assert.equal(await statusOf(decide(KNOWN, ['session=alice'], accepting('demo'))), 200)
  assert.equal(await statusOf(decide(KNOWN, ['session=alice'], accepting(['other', 'demo']))), 200)
  assert.equal(await statusOf(decide(KNOWN, ['session=alice'], accepting(['other']))), 401)
})

test('V-072: a provider that is not configured, and no login at all, are problems of the rule and never let in', async () => {
  const rule = makeRule({ authenticators: [{ handler: 'session', config: { provider: 'nope' } }] })
  const registry = createTestRegistry({ sessions: sessionReader(KNOWN), login: LOGIN_ENTRY })
  assert.equal(registry.compileRule(rule).problems[0]?.path, 'authenticators[0].config.provider')
  const gate = createTestGate({ rules: [{ authenticators: ['session'] }] })
  const decision = await gate.decide(requestView({ headers: [['Cookie', 'session=alice']] }))
  assert.equal(await statusOf(decision), 500)
})

const requiring = (config: Readonly<Record<string, unknown>>): TestRule => ({
  authenticators: [{ handler: 'session', config }],
})

const NOW = 1_000_000_000_000

/** What is lacking, in the words of the answer. */
async function challengeFor(session: Partial<Session>, config: Readonly<Record<string, unknown>>) {
  const clock = createTestClock(NOW)
  const deps = { sessions: sessionReader(() => openedSession(session)), login: LOGIN_ENTRY, clock }
  const gate = createTestGate({ rules: [requiring(config)], deps })
  const decision = await gate.decide(requestView({ headers: [['Cookie', 'session=alice']] }))
  if (decision.granted) return 'granted'
  assert.equal(decision.error.code, 'ERR_AUTHENTICATION_INSUFFICIENT')
  assert.equal(decision.exchange.sessionId, 'public-id')
  return decision.reply.headers.filter(([name]) => name === 'WWW-Authenticate').map(([, value]) => value)
}

test('acr is one value or a list, letter by letter; a session without acr has none', async () => {
  const gold = ['Bearer error="insufficient_user_authentication", acr_values="gold"']
  assert.equal(await challengeFor({ acr: 'gold' }, { acr: 'gold' }), 'granted')
  assert.equal(await challengeFor({ acr: 'gold' }, { acr: ['silver', 'gold'] }), 'granted')
  assert.deepEqual(await challengeFor({ acr: 'Gold' }, { acr: 'gold' }), gold)
  assert.deepEqual(await challengeFor({ acr: undefined }, { acr: 'gold' }), gold)
})

test('max_age counts from auth_time, to the millisecond; a session without auth_time is too old', async () => {
  const challenge = ['Bearer error="insufficient_user_authentication", max_age="60"']
  assert.equal(await challengeFor({ authTime: NOW - 59_999 }, { max_age: '1m' }), 'granted')
  assert.deepEqual(await challengeFor({ authTime: NOW - 60_000 }, { max_age: '1m' }), challenge)
  assert.deepEqual(await challengeFor({ authTime: undefined, createdAt: NOW }, { max_age: '1m' }), challenge)
})

const max = (seconds: number) => [`Bearer error="insufficient_user_authentication", max_age="${seconds}"`]

test('lifetime counts from the login, idle_timeout the longest time without use, and all that is over is asked for', async () => {
  assert.equal(await challengeFor({ createdAt: NOW - 59_999 }, { lifetime: '1m' }), 'granted')
  assert.deepEqual(await challengeFor({ createdAt: NOW - 60_000 }, { lifetime: '1m' }), max(60))
  const used = { createdAt: 0, lastSeenAt: NOW - 59_999, longestIdleMs: 59_999 }
  assert.equal(await challengeFor(used, { idle_timeout: '1m' }), 'granted')
  assert.deepEqual(await challengeFor({ ...used, lastSeenAt: NOW - 60_000 }, { idle_timeout: '1m' }), max(60))
  assert.deepEqual(await challengeFor({ ...used, longestIdleMs: 60_000 }, { idle_timeout: '1m' }), max(60))
  const bounds = { max_age: '1h', lifetime: '30m', idle_timeout: '5m' }
  assert.equal(await challengeFor({ ...used, authTime: NOW - 10, createdAt: NOW - 10 }, bounds), 'granted')
  assert.deepEqual(await challengeFor({ ...used, authTime: NOW - 10 }, bounds), max(1800))
  assert.deepEqual(await challengeFor({ authTime: 0, createdAt: NOW, lastSeenAt: NOW }, bounds), max(3600))
  assert.deepEqual(await challengeFor({}, { ...bounds, acr: 'gold' }), [
    'Bearer error="insufficient_user_authentication", acr_values="gold", max_age="300"',
  ])
})

test('the shortest idle_timeout of a rule is made known, so that sessions are touched often enough', () => {
  const observed: number[] = []
  const sessions = { ...sessionReader(KNOWN), observeIdle: (ms: number) => void observed.push(ms) }
  const registry = createTestRegistry({ sessions, login: LOGIN_ENTRY })
  registry.compileRule(makeRule(requiring({ idle_timeout: '5m' })))
  registry.compileRule(makeRule(requiring({ max_age: '5m' })))
  assert.deepEqual(observed, [300_000])
})

test('an acr that is none, a max_age that is none, and an acr that no provider may give are problems of the rule', () => {
  const registry = createTestRegistry({ sessions: sessionReader(KNOWN), login: LOGIN_ENTRY })
  const problemOf = (config: Readonly<Record<string, unknown>>) => {
    const [problem] = registry.compileRule(makeRule(requiring(config))).problems
    return problem === undefined ? undefined : `${problem.path}: ${problem.message}`
  }
  for (const [config, expected] of [
    [{ acr: ['urn:a', 'b'], max_age: '90d' }, /^undefined$/],
    [{ acr: [] }, /config\.acr.*must name at least one acr/],
    [{ acr: 'a b' }, /config\.acr.*no spaces/],
    [{ acr: ['a', 'b"'] }, /config\.acr.*no quotes/],
    [{ acr: Array.from({ length: 5 }, () => 'x'.repeat(250)) }, /config\.acr.*must be shorter/],
    [{ max_age: '0s' }, /config\.max_age.*must be at least 1s/],
    [{ max_age: '500d' }, /config\.max_age.*must be at most 400d/],
    [{ max_age: 300 }, /config\.max_age.*must be a duration/],
    [{ acr: 'gold', provider: ['demo', 'other'] }, /^undefined$/],
    [
      { acr: 'gold', provider: 'other' },
      /config\.acr: is nothing that login\.providers\[\]\.authorization_params\.acr_values/,
    ],
  ] as const) {
    assert.match(String(problemOf(config)), expected, JSON.stringify(config).slice(0, 80))
  }
})
