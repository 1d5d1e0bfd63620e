import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, createTestRegistry, makeRule } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { GateError } from '../../kernel/errors.ts'
import type { Reply } from '../../kernel/reply.ts'
import { defineAuthorizer } from '../define.ts'
import type { RuleBeginOptions, RuleEndOptions, RuleLogin } from '../deps.ts'

const BEGIN = {
  type: 'auth',
  oidc_authorization_url: 'https://id.example/authorize',
  client_id: 'client',
  redirect_url: 'https://app.example/callback',
}
const END = {
  type: 'logout',
  oidc_logout_url: 'https://id.example/logout',
  post_logout_redirect_url: 'https://app.example/',
}

const TO_PROVIDER: Reply = { status: 302, headers: [['Location', 'https://id.example/']], body: '' }

function createRuleLogin() {
  const begins: RuleBeginOptions[] = []
  const ends: RuleEndOptions[] = []
  const ruleLogin = {
    beginner: (options: RuleBeginOptions) => {
      begins.push(options)
      return () => Promise.resolve(TO_PROVIDER)
    },
    ender: (options: RuleEndOptions) => {
      ends.push(options)
      return () => Promise.resolve(TO_PROVIDER)
    },
    isNavigation: ({ headers }) => !headers.has('x-script'),
  } satisfies Partial<RuleLogin> as Partial<RuleLogin> as RuleLogin
  return { begins, ends, ruleLogin }
}

function compile(config: Readonly<Record<string, unknown>>, hasLogin = true) {
  const { begins, ends, ruleLogin } = createRuleLogin()
  const registry = createTestRegistry({ ruleLogin: hasLogin ? ruleLogin : undefined })
  const { problems } = registry.compileRule(makeRule({ errors: [{ handler: 'redirect', config }] }))
  return { begins, ends, problems: problems.map(({ path, message }) => `${path}: ${message}`) }
}

test('fork 32: `to` is required for a plain redirect alone', () => {
  assert.match(compile({}).problems.join(), /errors\[0\]\.config\.to: is required/)
  assert.match(compile({ type: 'none' }).problems.join(), /config\.to: is required/)
  assert.deepEqual(compile(BEGIN).problems, [])
  assert.deepEqual(compile(END).problems, [])
  assert.deepEqual(compile({ ...BEGIN, to: 'https://id.example/authorize', use_pkce: false }).problems, [])
})

test('the keys of a login', () => {
  const { begins } = compile({ ...BEGIN, oidc_authorization_url: 'https://id.example/authorize?a=b' })
  assert.deepEqual(begins, [
    {
      authorizationUrl: 'https://id.example/authorize',
      clientId: 'client',
      redirectUrl: 'https://app.example/callback',
      scopes: ['openid', 'profile', 'email'],
      authorizationParams: { a: 'b' },
    },
  ])
})

test('the form that has all of it in `to`', () => {
  const to =
    'https://id.example/authorize?response_type=code&client_id=client&redirect_uri=https://app.example/callback&scope=openid%20profile'
  const [begin] = compile({ type: 'auth', to }).begins
  assert.equal(begin?.authorizationUrl, 'https://id.example/authorize')
  assert.equal(begin?.clientId, 'client')
  assert.equal(begin?.redirectUrl, 'https://app.example/callback')
  assert.deepEqual(begin?.scopes, ['openid', 'profile'])
})

test('the keys of a logout', () => {
  assert.deepEqual(compile(END).ends, [
    { logoutUrl: 'https://id.example/logout', postLogoutRedirectUrl: 'https://app.example/' },
  ])
})

test('what is missing is a problem of the rule', () => {
  const cases: [config: Readonly<Record<string, unknown>>, problem: RegExp][] = [
    [{ ...BEGIN, client_id: undefined }, /config\.client_id: is required with type: auth/],
    [{ ...BEGIN, redirect_url: undefined }, /config\.redirect_url: is required with type: auth/],
    [{ type: 'auth' }, /config\.oidc_authorization_url: is required with type: auth/],
    [{ type: 'auth', to: '/login' }, /config\.oidc_authorization_url: is required/],
    [{ type: 'auth', to: 'https://id.example/authorize' }, /config\.to: has no client_id/],
    [{ ...END, oidc_logout_url: undefined }, /config\.oidc_logout_url: is required with type: logout/],
    [{ ...END, post_logout_redirect_url: undefined }, /config\.post_logout_redirect_url: is required/],
    [{ ...BEGIN, type: 'login' }, /config\.type/],
  ]
  for (const [config, problem] of cases) assert.match(compile(config).problems.join('\n'), problem)
  for (const config of [BEGIN, END]) {
    assert.match(compile(config, false).problems.join(), /needs the authenticators callback and session_jwt/)
  }
})

/** Refuses with the error that a header names. */
const refusing = defineAuthorizer({
  type: 'refusing',
  schema: undefined,
  compile:
    () =>
    ({ request }) => {
      throw new GateError((request.headers.get('x-error') ?? 'ERR_CREDENTIALS_INVALID') as 'ERR_INTERNAL')
    },
})

test('a login begins for 401 alone, and for a person; anything else goes to the fallback list', async () => {
  const { ruleLogin } = createRuleLogin()
  const gate = createTestGate({
    rules: [{ authorizer: 'refusing', errors: [{ handler: 'redirect', config: BEGIN }] }],
    deps: { ruleLogin },
    settings: { authorizers: { refusing: { enabled: true } } },
    more: [refusing],
  })
  const statusOf = async (...headers: [string, string][]) => (await gate.decide(requestView({ headers }))).reply?.status
  assert.equal(await statusOf(), 302)
  assert.equal(await statusOf(['X-Script', '1']), 401)
  for (const [code, status] of [
    ['ERR_ACCESS_FORBIDDEN', 403],
    ['ERR_SESSION_STORE_UNAVAILABLE', 503],
    ['ERR_INTERNAL', 500],
  ] as const) {
    assert.equal(await statusOf(['X-Error', code]), status)
  }
})

test('`to: request_url` is a relative address where there is no login by rules, as in Oathkeeper', async () => {
  const rule = { authenticators: ['unauthorized'], errors: [{ handler: 'redirect', config: { to: 'request_url' } }] }
  const plain = await createTestGate({ rules: [rule] }).decide(requestView())
  assert.equal(new Map(plain.reply?.headers).get('Location'), '/request_url')
  const { ruleLogin } = createRuleLogin()
  const own = await createTestGate({ rules: [rule], deps: { ruleLogin } }).decide(requestView())
  assert.equal(own.reply?.status, 401)
})
