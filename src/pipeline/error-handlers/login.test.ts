import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, createTestRegistry, makeRule, type TestRule } from '../../../test/support/gate.ts'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import { LOGIN_ENTRY, openedSession, sessionReader } from '../../../test/support/sessions.ts'
import type { Reply } from '../../kernel/reply.ts'

const BROWSER_ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const NAVIGATION: ViewParts = {
  originalUri: '/deep?a=1&b=2',
  headers: [
    ['Sec-Fetch-Mode', 'navigate'],
    ['Accept', BROWSER_ACCEPT],
  ],
}

async function answer(rule: TestRule, request: ViewParts): Promise<Reply> {
  const deps = { sessions: sessionReader(() => undefined), login: LOGIN_ENTRY }
  const gate = createTestGate({ rules: [{ authenticators: ['session'], errors: ['login', 'json'], ...rule }], deps })
  const decision = await gate.decide(requestView(request))
  assert.ok(!decision.granted)
  return decision.reply
}

const headerOf = (reply: Reply, name: string): string[] =>
  reply.headers.filter(([other]) => other === name).map(([, value]) => value)

test('a navigation is sent to the login with the page that it asked for', async () => {
  const reply = await answer({}, NAVIGATION)
  assert.equal(reply.status, 302)
  assert.equal(reply.body, '')
  assert.deepEqual(reply.headers, [
    ['Location', 'https://app.example/.oathkeeper/login?return_to=%2Fdeep%3Fa%3D1%26b%3D2'],
    ['Cache-Control', 'no-store'],
  ])
})

test('what is a navigation and what is none', async () => {
  const cases: [name: string, request: ViewParts, status: number][] = [
    ['Sec-Fetch-Mode says it', { headers: [['Sec-Fetch-Mode', 'navigate']] }, 302],
    ['an older browser by its Accept', { headers: [['Accept', BROWSER_ACCEPT]] }, 302],
    ['HEAD', { method: 'HEAD', headers: [['Accept', 'text/html']] }, 302],
    ['a form', { method: 'POST', headers: [['Sec-Fetch-Mode', 'navigate']] }, 401],
    [
      'fetch',
      {
        headers: [
          ['Sec-Fetch-Mode', 'cors'],
          ['Accept', 'text/html'],
        ],
      },
      401,
    ],
    [
      'an image',
      {
        headers: [
          ['Sec-Fetch-Mode', 'no-cors'],
          ['Accept', 'image/avif,*/*;q=0.8'],
        ],
      },
      401,
    ],
    ['a WebSocket', { headers: [['Sec-Fetch-Mode', 'websocket']] }, 401],
    [
      'a prefetch',
      {
        headers: [
          ['Sec-Fetch-Mode', 'navigate'],
          ['Sec-Purpose', 'prefetch;prerender'],
        ],
      },
      401,
    ],
    ['curl', { headers: [['Accept', '*/*']] }, 401],
    ['an API client', { headers: [['Accept', 'application/json, text/plain, */*']] }, 401],
    ['JSON before HTML', { headers: [['Accept', 'application/json, text/html;q=0.5']] }, 401],
    ['no HTML at all', { headers: [['Accept', 'text/html;q=0, */*']] }, 401],
    ['no headers', {}, 401],
  ]
  for (const [name, request, status] of cases) assert.equal((await answer({}, request)).status, status, name)
})

test('who is no browser gets the 401 of the next handler, and where the login is', async () => {
  const reply = await answer({}, { originalUri: '/api?x=1', headers: [['Accept', 'application/json']] })
  assert.equal(reply.status, 401)
  assert.equal(JSON.parse(reply.body).error.code, 401)
  assert.deepEqual(headerOf(reply, 'WWW-Authenticate'), ['Login realm="oathkeeper"'])
  assert.deepEqual(headerOf(reply, 'Link'), [
    '<https://app.example/.oathkeeper/login?return_to=%2Fapi%3Fx%3D1>; rel="login"',
  ])
  assert.deepEqual(headerOf(reply, 'Location'), [])
})

test('status 401 keeps the location, for gateways whose sub-request may not redirect', async () => {
  const errors = [{ handler: 'login', config: { status: 401, provider: 'other' } }]
  const reply = await answer({ errors }, { ...NAVIGATION, front: 'decision' })
  assert.equal(reply.status, 401)
  assert.match(headerOf(reply, 'Location')[0] ?? '', /&provider=other$/)
  assert.deepEqual(headerOf(reply, 'WWW-Authenticate'), ['Login realm="oathkeeper"'])
  assert.deepEqual(headerOf(reply, 'Link'), [])
})

test('V-020: a cookie that opens no session is cleared before the login', async () => {
  const headers: [string, string][] = [
    ['Sec-Fetch-Mode', 'navigate'],
    ['Cookie', 'session=gone'],
  ]
  assert.deepEqual(headerOf(await answer({}, { headers }), 'Set-Cookie'), ['session=; Path=/; Max-Age=0'])
  assert.deepEqual(headerOf(await answer({}, NAVIGATION), 'Set-Cookie'), [])
})

test('FM-04: while the store cannot be asked a navigation is shown a page that waits; the cookie stays', async () => {
  const deps = { sessions: sessionReader(() => Promise.reject(new Error('down'))), login: LOGIN_ENTRY }
  const gate = createTestGate({ rules: [{ authenticators: ['session'], errors: ['login', 'json'] }], deps })
  const cookie: [string, string] = ['Cookie', 'session=alice']
  const ask = async (request: ViewParts): Promise<Reply> => {
    const decision = await gate.decide(requestView(request))
    assert.ok(!decision.granted)
    return decision.reply
  }
  const page = await ask({ headers: [['Sec-Fetch-Mode', 'navigate'], cookie] })
  assert.deepEqual([page.status, page.body], [503, 'wait'])
  assert.deepEqual(headerOf(page, 'Retry-After'), ['1'])
  assert.deepEqual(headerOf(page, 'Set-Cookie'), [])
  const script = await ask({ headers: [['Sec-Fetch-Mode', 'cors'], cookie] })
  assert.deepEqual([script.status, JSON.parse(script.body).error.code], [503, 503])
  const form = await ask({ method: 'POST', headers: [['Sec-Fetch-Mode', 'navigate'], cookie] })
  assert.equal(JSON.parse(form.body).error.code, 503)
})

test('only 401 leads to the login', async () => {
  const reply = await answer({ authenticators: ['noop'], authorizer: 'deny' }, NAVIGATION)
  assert.equal(reply.status, 403)
  assert.deepEqual(headerOf(reply, 'Link'), [])
})

test('`when` decides about the redirect and about the hints', async () => {
  const errors = [{ handler: 'login', config: { when: [{ error: ['forbidden'] }] } }]
  const reply = await answer({ errors }, NAVIGATION)
  assert.equal(reply.status, 401)
  assert.deepEqual(headerOf(reply, 'Link'), [])
})

test('the login wins over a handler without conditions, in whatever order they stand', async () => {
  assert.equal((await answer({ errors: ['json', 'login'] }, NAVIGATION)).status, 302)
  assert.equal((await answer({ errors: ['json', 'login'] }, {})).status, 401)
})

test('an unknown provider and a configuration without login are problems of the rule', () => {
  const withProvider = makeRule({ errors: [{ handler: 'login', config: { provider: 'nope' } }] })
  const known = createTestRegistry({ sessions: sessionReader(() => undefined), login: LOGIN_ENTRY })
  assert.deepEqual(known.compileRule(withProvider).problems, [
    {
      path: 'errors[0].config.provider',
      message: '"nope" is not the id of a provider in login.providers: demo, other',
      ruleId: 'rule',
    },
  ])
  const [problem] = createTestRegistry().compileRule(makeRule({ errors: ['login'] })).problems
  assert.deepEqual(problem, {
    path: 'errors[0].config',
    message: 'needs the section "login" with a provider',
    ruleId: 'rule',
  })
})

/** What is answered to somebody whose session is of a provider and not enough. */
async function answerToHolder(provider: string, rule: TestRule, request: ViewParts): Promise<Reply> {
  const deps = { sessions: sessionReader(() => openedSession({ provider })), login: LOGIN_ENTRY }
  const authenticators = [{ handler: 'session', config: { acr: ['gold', 'silver'], max_age: '5m' } }]
  const gate = createTestGate({ rules: [{ authenticators, errors: ['login', 'json'], ...rule }], deps })
  const headers = [...(request.headers ?? []), ['Cookie', 'session=x'] as const]
  const decision = await gate.decide(requestView({ ...request, headers }))
  assert.ok(!decision.granted)
  return decision.reply
}

const CHALLENGE = 'Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="300"'

test('who has a session that is not enough logs in again at its provider, whichever the handler names', async () => {
  const errors = [{ handler: 'login', config: { provider: 'other' } }]
  const reply = await answerToHolder('demo', { errors }, NAVIGATION)
  assert.deepEqual(reply.headers, [
    [
      'Location',
      'https://app.example/.oathkeeper/login?return_to=%2Fdeep%3Fa%3D1%26b%3D2&provider=demo&acr_values=gold+silver&max_age=300',
    ],
    ['Cache-Control', 'no-store'],
  ])
  const gone = await answerToHolder('gone', { errors }, NAVIGATION)
  assert.match(headerOf(gone, 'Location')[0] ?? '', /&provider=other&acr_values=/)
})

test('a step-up is told in WWW-Authenticate wherever the answer is 401, whoever answers', async () => {
  const cases: [TestRule, ViewParts, string[]][] = [
    [{}, {}, [CHALLENGE, 'Login realm="oathkeeper"']],
    [{ errors: [{ handler: 'login', config: { status: 401 } }] }, NAVIGATION, ['Login realm="oathkeeper"', CHALLENGE]],
    [{ errors: ['json'] }, NAVIGATION, [CHALLENGE]],
    [{ errors: ['www_authenticate'] }, {}, ['Basic realm=Please authenticate.', CHALLENGE]],
    [{ errors: [{ handler: 'redirect', config: { to: 'https://elsewhere.example/' } }] }, {}, []],
  ]
  for (const [rule, request, expected] of cases) {
    const reply = await answerToHolder('demo', rule, request)
    assert.deepEqual(headerOf(reply, 'WWW-Authenticate'), expected, JSON.stringify(rule))
  }
})

const on = (error: string) => ({ errors: [{ handler: 'login', config: { when: [{ error: [error] }] } }, 'json'] })

test('`when` takes a step-up for unauthorized', async () => {
  assert.equal((await answerToHolder('demo', on('unauthorized'), NAVIGATION)).status, 302)
  assert.equal((await answerToHolder('demo', on('forbidden'), NAVIGATION)).status, 401)
})
