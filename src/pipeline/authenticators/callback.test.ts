import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, createTestRegistry, makeRule } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { GateError } from '../../kernel/errors.ts'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import type { RuleClientOptions, RuleLogin } from '../deps.ts'

const CONFIG = {
  client_id: 'client',
  client_secret: 'secret',
  token_url: 'https://id.example/token',
  userinfo_url: 'https://id.example/userinfo',
  redirect_url: 'https://app.example/callback',
}

function createRuleLogin(finish: ReturnType<RuleLogin['finisher']> = () => Promise.reject(new Error('not here'))) {
  const given: RuleClientOptions[] = []
  const ruleLogin = {
    finisher: (options: RuleClientOptions) => {
      if (options.tokenUrl.startsWith('http:')) throw new HandlerConfigError(['token_url'], 'is not https')
      given.push(options)
      return finish
    },
  } as RuleLogin
  return { given, ruleLogin }
}

function compile(config: Readonly<Record<string, unknown>>) {
  const { given, ruleLogin } = createRuleLogin()
  const registry = createTestRegistry({ ruleLogin }, { authenticators: { callback: { enabled: true } } })
  const { problems } = registry.compileRule(makeRule({ authenticators: [{ handler: 'callback', config }] }))
  return { given, problems: problems.map(({ path, message }) => `${path}: ${message}`) }
}

test('its keys are handed on', () => {
  const { given, problems } = compile({ ...CONFIG, issuer: 'https://id.example' })
  assert.deepEqual(problems, [])
  const [options] = given
  assert.deepEqual(
    { ...options, clientSecret: options?.clientSecret?.reveal() },
    {
      clientId: 'client',
      clientSecret: 'secret',
      authMethod: 'client_secret_basic',
      tokenUrl: 'https://id.example/token',
      userinfoUrl: 'https://id.example/userinfo',
      redirectUrl: 'https://app.example/callback',
      issuer: 'https://id.example',
    },
  )
})

test('fork 32 and 33: the keys of both forms are taken, those of the schema and those of the code', () => {
  const { token_url: _, ...rest } = CONFIG
  const forms = [
    {
      ...CONFIG,
      retry: { max_wait: '1s', timeout: '500ms' },
      cache: { ttl: '5m', max_cost: 1000 },
      preserve_host: true,
    },
    { ...CONFIG, retry: { give_up_after: '1s', max_delay: '500ms' } },
    {
      ...rest,
      token_endpoint: 'https://id.example/token',
      authorization_endpoint: 'https://id.example/authorize',
      scopes: ['openid'],
    },
  ]
  for (const config of forms) {
    const { given, problems } = compile(config)
    assert.deepEqual(problems, [])
    assert.equal(given[0]?.tokenUrl, 'https://id.example/token')
  }
})

test('fork 8: a public client is one without a secret', () => {
  const { client_secret: _, ...rest } = CONFIG
  for (const config of [
    { ...rest, token_endpoint_auth_method: 'none' },
    { ...CONFIG, token_endpoint_auth_method: 'none' },
  ]) {
    const { given, problems } = compile(config)
    assert.deepEqual(problems, [])
    assert.equal(given[0]?.clientSecret, undefined)
  }
})

test('what is missing or wrong is a problem of the rule', () => {
  const cases: [change: Readonly<Record<string, unknown>>, problem: RegExp][] = [
    [{ client_id: undefined }, /config\.client_id/],
    [{ client_secret: undefined }, /config\.client_secret: is required/],
    [{ client_secret: '' }, /config\.client_secret: is required/],
    [{ token_url: undefined }, /config\.token_url: is required/],
    [{ token_url: 'http://id.example/token' }, /config\.token_url: is not https/],
    [{ userinfo_url: 'nowhere' }, /config\.userinfo_url/],
    [{ redirect_url: undefined }, /config\.redirect_url/],
    [{ token_endpoint_auth_method: 'private_key_jwt' }, /config\.token_endpoint_auth_method/],
    [{ tokenurl: 'x' }, /additional property tokenurl is not allowed/],
  ]
  for (const [change, problem] of cases) assert.match(compile({ ...CONFIG, ...change }).problems.join('\n'), problem)
})

const settings = { authenticators: { callback: { enabled: true } } }
const rule = { authenticators: [{ handler: 'callback', config: CONFIG }] }

test('it answers the request itself, when the authorizer has agreed', async () => {
  const { ruleLogin } = createRuleLogin(() =>
    Promise.resolve({
      subject: 'ada',
      extra: { sub: 'ada' },
      enter: () => Promise.resolve({ status: 302, headers: [['Location', '/there']], body: '' }),
    }),
  )
  const decide = (authorizer: string) =>
    createTestGate({ rules: [{ ...rule, authorizer }], deps: { ruleLogin }, settings }).decide(requestView())
  const decision = await decide('allow')
  assert.equal(decision.reply?.status, 302)
  assert.equal(decision.exchange.subject, 'ada')
  assert.equal((await decide('deny')).reply?.status, 403)
})

test('a login that failed is shown on its page', async () => {
  const page = { status: 400, headers: [], body: 'a page' }
  const { ruleLogin } = createRuleLogin(() => Promise.reject(new GateError('ERR_LOGIN_FAILED', { page })))
  const decision = await createTestGate({ rules: [rule], deps: { ruleLogin }, settings }).decide(requestView())
  assert.deepEqual(decision.reply, page)
})
