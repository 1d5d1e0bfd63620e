// What must never be written down, and what must not write lines of its own
// (mod_auth_openidc August 2026: keys, codes, tokens and Redis credentials in logs; Node CVE-2026-48615: credentials in errors).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawRequest } from '../support/raw-client.ts'
import { type RawProduct, rule, startRawProduct } from '../support/raw-product.ts'
import { findFreePort } from '../support/ports.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { createTestClock, type TestClock } from '../support/test-clock.ts'
import { Visitor } from '../support/visitor.ts'
import { eventually } from '../support/eventually.ts'

const MARK = 'never-in-a-log'

/** Everything that a run has to keep to itself, by what it is. */
function secretsOf(product: RawProduct, visitors: readonly Visitor[]): Map<string, string> {
  const secrets = new Map<string, string>([
    ['client secret', product.provider.clientSecret],
    ['mark', MARK],
  ])
  for (const [i, token] of product.provider.given.entries()) secrets.set(`token ${i}`, token)
  for (const [i, { path, query, form, headers }] of product.provider.requests.entries()) {
    for (const name of ['state', 'nonce', 'code_challenge', 'id_token_hint']) {
      const value = query.get(name)
      if (value !== null) secrets.set(`${name} ${i} at ${path}`, value)
    }
    for (const name of ['code', 'code_verifier', 'refresh_token', 'client_secret']) {
      const value = form.get(name)
      if (value !== null) secrets.set(`${name} ${i} at ${path}`, value)
    }
    if (headers.authorization !== undefined)
      secrets.set(`authorization ${i}`, headers.authorization.split(' ')[1] ?? '')
  }
  for (const [i, visitor] of visitors.entries()) {
    for (const name of visitor.cookieNames('127.0.0.1')) {
      const value = visitor.cookie('127.0.0.1', name) ?? ''
      secrets.set(`cookie ${i} ${name}`, value)
      for (const part of value.split('.')) if (part.length > 16) secrets.set(`part of cookie ${i} ${name}`, part)
    }
  }
  return secrets
}

function checkLog(product: RawProduct, visitors: readonly Visitor[]): void {
  const log = product.log()
  for (const [what, secret] of secretsOf(product, visitors)) {
    assert.ok(secret.length >= 8, `${what} is known`)
    assert.ok(!log.includes(secret), `the log holds ${what}`)
    assert.ok(!log.includes(encodeURIComponent(secret)), `the log holds ${what}, encoded`)
  }
}

/** A stay with all that can go wrong in it. */
async function live(product: RawProduct, clock: TestClock): Promise<Visitor[]> {
  const { door, host, provider, proxyPort, apiPort } = product
  const ada = new Visitor()
  await product.logIn(ada, `/me?q=${MARK}`)
  const stolen = ada.copy()
  const begun = await ada.go(`${door}/.oathkeeper/login?return_to=/me%3Fq=${MARK}`)
  const authorized = await ada.go(begun.headers['location'] ?? '')
  const callback = new URL(authorized.headers['location'] ?? '')
  const before = ada.copy()
  await new Visitor().go(callback.href)
  for (const name of ['state', 'code', 'iss']) {
    const broken = new URL(callback)
    broken.searchParams.set(name, `${MARK}${broken.searchParams.get(name) ?? ''}`)
    await before.copy().go(broken.href)
  }
  await ada.go(`${callback.href}&error=${MARK}&error_description=${MARK}`)
  await ada.go(callback.href)
  await ada.go(callback.href)
  for (const change of ['claims', 'token', 'userinfo', 'idToken'] as const) {
    provider.switches[change] = () => `{"${MARK}":`
    await before.copy().follow(`${door}/.oathkeeper/login`)
    delete provider.switches[change]
  }
  provider.switches.tokenStatus = 400
  provider.switches.token = () => ({ error: 'invalid_grant', error_description: MARK })
  await before.copy().follow(`${door}/.oathkeeper/login`)
  delete provider.switches.token
  delete provider.switches.tokenStatus
  clock.advance(301_000)
  await ada.go(`${door}/me`)
  const lines = [
    `Authorization: Bearer ${MARK}`,
    `Cookie: a=${MARK}; oathkeeper=v1.${MARK}`,
    `X-Api-Key: ${MARK}`,
    `Referer: http://x/?${MARK}`,
  ]
  for (const path of [
    `/me?token=${MARK}`,
    `/public/x?access_token=${MARK}`,
    `/nowhere/%0a?${MARK}`,
    `/.oathkeeper/session?${MARK}`,
  ]) {
    await rawRequest(proxyPort, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('\r\n')}\r\n\r\n`)
    const forwarded = `X-Forwarded-Uri: ${path}\r\nX-Forwarded-Host: ${host}\r\n`
    await rawRequest(apiPort, `GET /decisions?${MARK} HTTP/1.1\r\nHost: a\r\n${forwarded}${lines.join('\r\n')}\r\n\r\n`)
  }
  await rawRequest(proxyPort, `POST /me HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${MARK.length}\r\n\r\n${MARK}`)
  await stolen.go(`${door}/me`)
  await ada.submit(`${door}/.oathkeeper/logout`, { token: MARK })
  return [ada, stolen, before]
}

for (const format of ['text', 'json'] as const) {
  test(`H-10 V-091 E-11: the log of a whole stay holds no secret of it, at the most talkative level (${format})`, async (t) => {
    const redis = await startRedisServer({ password: 'a-password-of-redis' })
    t.after(() => redis.close())
    const clock = createTestClock()
    const product = await startRawProduct(t, {
      clock,
      config: {
        log: { level: 'trace', format },
        session_store: { type: 'redis', redis: { addr: redis.addr, password: 'a-password-of-redis' } },
        errors: { fallback: ['login', 'json'], handlers: { json: { enabled: true, config: { verbose: true } } } },
      },
    })
    const visitors = await live(product, clock)
    await redis.stop()
    await eventually(
      () => visitors[0]?.go(`${product.door}/me`),
      (answer) => answer?.status === 503 || answer?.status === 302,
      2_000,
    )
    await new Visitor().go(`${product.door}/.oathkeeper/login?return_to=/${MARK}`)
    clock.advance(1_000)
    assert.match(product.log(), /session store is down/)
    assert.match(product.log(), /members/)
    assert.doesNotMatch(product.log(), /a-password-of-redis/)
    checkLog(product, visitors)
    for (const line of product.log().trimEnd().split('\n')) {
      if (format === 'json') assert.equal(typeof JSON.parse(line), 'object', line)
      else assert.match(line, /^time="[^"]+" level=\w+ msg=/, line)
    }
  })
}

test('H-11: what a person reads from an error page leads the operator to its line in the log', async (t) => {
  const product = await startRawProduct(t)
  const page = await new Visitor().go(`${product.door}/.oathkeeper/callback?code=a&state=b`)
  assert.equal(page.status, 400)
  const [, code = '', id = ''] = /<code>(ERR_\w+)<\/code> · <code>([\w-]+)<\/code>/.exec(page.text) ?? []
  const line = product
    .log()
    .split('\n')
    .find((one) => one.includes(`request_id=${id}`))
  assert.match(line ?? '', new RegExp(`level=warn .*error_code=${code} .*detail=`))
})

test('H-10: what a client or a provider writes stays on the line where it belongs, and colours nothing', async (t) => {
  for (const format of ['text', 'json'] as const) {
    const clock = createTestClock()
    const product = await startRawProduct(t, {
      clock,
      config: { log: { level: 'trace', format } },
      rules: ({ door, upstream }) => [rule('all', `${door}/<[\\s\\S]*>`, upstream)],
    })
    const forged = 'x\r\ntime="2000" level=info msg="Access request granted" subject=root\u2028\u0085\u001b[31m'
    product.provider.sub = forged
    await product.logIn(new Visitor())
    const encoded = encodeURIComponent(forged)
    const { host, proxyPort, apiPort } = product
    for (const target of [`/${encoded}`, `/x?${encoded}`, '/%1b%5b31m', '/%e2%80%a8', '/%c2%85%0b%0c', '/%ff%fe']) {
      await rawRequest(
        proxyPort,
        `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: \u00c2\u0085"x\\"\r\nX-Request-Id: "a b\r\n\r\n`,
      )
      await rawRequest(
        apiPort,
        `GET /decisions HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: ${host}\r\nX-Forwarded-Method: GET"\t\u00a0\r\nX-Forwarded-Uri: ${target}\r\n\r\n`,
      )
    }
    await new Visitor().go(`${product.door}/.oathkeeper/callback?error=${encoded}&state=${encoded}`)
    clock.advance(1_000)
    const lines = product.log().trimEnd().split('\n')
    assert.ok(lines.length > 15)
    for (const line of lines) {
      assert.doesNotMatch(line, /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/, JSON.stringify(line))
      if (format === 'json') assert.equal(typeof JSON.parse(line), 'object')
      else {
        assert.match(line, /^time="[^"]+" level=\w+ msg=/)
        assert.doesNotMatch(line.replace(/"(?:[^"\\]|\\.)*"/g, '""'), /subject=root|level=info.*level=/)
      }
    }
  }
})

test('V-111: credentials in the address of an upstream, a provider or a store show nowhere', async (t) => {
  const dead = await findFreePort()
  const clock = createTestClock()
  const product = await startRawProduct(t, {
    clock,
    config: { errors: { fallback: ['json'], handlers: { json: { enabled: true, config: { verbose: true } } } } },
    rules: ({ door, upstream }) => [
      rule('dead', `${door}/<.*>`, upstream, {
        authenticators: [{ handler: 'noop' }],
        mutators: [{ handler: 'noop', config: { pre_authorization: { client_id: 'us', client_secret: MARK } } }],
        upstream: { url: `http://somebody:${MARK}@127.0.0.1:${dead}/` },
      }),
    ],
  })
  const answer = await rawRequest(product.proxyPort, `GET /x HTTP/1.1\r\nHost: ${product.host}\r\n\r\n`)
  assert.equal(answer.status, 502)
  clock.advance(1_000)
  assert.ok(!product.log().includes(MARK))
  assert.ok(!answer.head.includes(MARK) && !String(answer.body).includes(MARK))
  const rules = await rawRequest(product.apiPort, 'GET /rules HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(rules.status, 200)
  assert.ok(!String(rules.body).includes(MARK), 'the API shows a secret of a rule')
  assert.match(String(rules.body), /http:\/\/somebody:xxxxx@127/)
})
