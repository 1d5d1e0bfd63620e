import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { HeaderList } from '../kernel/headers.ts'
import { callbackUrl, startLogin } from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { createUnreliableStore, type UnreliableStore } from '../../test/support/unreliable-store.ts'
import { Visitor } from '../../test/support/visitor.ts'
import { renderPage } from './page.ts'

test('paths below the base path are ours, and no others', async (t) => {
  const { login } = await startLogin(t, [await startMockProvider(t)])
  for (const path of ['/.oathkeeper', '/.oathkeeper/', '/.oathkeeper/login', '/.oathkeeper/x/y']) {
    assert.equal(login.handles(path), true, path)
  }
  for (const path of ['/', '/.oathkeeperx', '/.OATHKEEPER/login', '/x/.oathkeeper/login', '']) {
    assert.equal(login.handles(path), false, path)
  }
})

test('another path below the base path is a page that says so', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  for (const path of ['', '/', '/login/', '/LOGIN', '/nothing', '/__proto__', '/login%2f', '/%3Cscript%3E']) {
    const answer = await new Visitor().go(rig.url(`/.oathkeeper${path}`))
    assert.equal(answer.status, 404, path)
    assert.doesNotMatch(answer.text, /script/)
  }
})

test('another method is refused, and says which ones work', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  const methods = {
    login: 'GET',
    callback: 'GET',
    logout: 'POST, GET',
    'signed-out': 'GET, HEAD',
    session: 'GET, HEAD',
  }
  for (const [path, allow] of Object.entries(methods)) {
    const answer = await rig.login.handle({ ...REQUEST, method: 'DELETE', path: `/.oathkeeper/${path}` })
    assert.equal(answer.status, 405)
    assert.deepEqual(
      answer.headers.find(([name]) => name === 'Allow'),
      ['Allow', allow],
    )
  }
})

test('A-17: D-01: D-02: H-01: H-02: E-13: every answer has the headers that keep it to itself', async (t) => {
  let store: UnreliableStore | undefined
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], { wrapStore: (inner) => (store = createUnreliableStore(inner)) })
  const visitor = new Visitor()
  const url = await callbackUrl(visitor, rig)
  for (const path of ['/login?provider=x', '/signed-out', '/session', '/nothing', '/logout', '/callback', '/login']) {
    await visitor.go(rig.url(`/.oathkeeper${path}`), { headers: { 'sec-fetch-site': 'cross-site' } })
  }
  await visitor.go(url)
  await visitor.go(url)
  await visitor.go(rig.url('/.oathkeeper/login'), { headers: { accept: 'application/json' } })
  await visitor.go(rig.url('/.oathkeeper/login'), { method: 'POST' })
  await visitor.go(rig.url('/.oathkeeper/signed-out'))
  store!.down = true
  await visitor.go(rig.url('/.oathkeeper/login'))
  await visitor.submit(rig.url('/.oathkeeper/logout'), {})
  assert.ok(rig.replies.length > 14)
  for (const { status, headers, body } of rig.replies) {
    const get = (name: string) => headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
    assert.deepEqual(get('cache-control'), ['no-store'], String(status))
    assert.deepEqual(get('x-content-type-options'), ['nosniff'])
    assert.match(get('referrer-policy').join(), /^(no-referrer|same-origin)$/)
    assert.equal(get('strict-transport-security').length, 0, 'not on plain http')
    if (body !== '')
      assert.match(get('content-type').join(), /^(text\/html; charset=utf-8|application\/json(; charset=utf-8)?)$/)
    assert.ok(status !== 307 && status !== 308)
    for (const line of get('set-cookie')) assertSetCookie(line)
    const names = get('set-cookie').map((line) => line.split('=')[0])
    assert.equal(new Set(names).size, names.length, 'D-02: one line for each cookie')
    if (!get('content-type').join().startsWith('text/html')) continue
    const [policy = ''] = get('content-security-policy')
    assert.match(policy, /default-src 'none'.*frame-ancestors 'none'.*base-uri 'none'/)
    assert.deepEqual(get('x-frame-options'), ['DENY'])
    const style = /<style>([^]*?)<\/style>/.exec(body)?.[1] ?? ''
    assert.ok(
      policy.includes(`'sha256-${createHash('sha256').update(style).digest('base64')}'`),
      'the style is allowed',
    )
    assert.doesNotMatch(body, /<script|<img|<link|@import|url\(|onload|style="/)
    assert.match(body, /<html lang="en">/)
  }
})

test('H-01: on https every answer asks for https from then on', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)], { login: { baseUrls: ['https://app.example'] } })
  for (const path of ['/login', '/callback', '/signed-out', '/session', '/logout', '/x']) {
    const { headers } = await rig.login.handle({ ...REQUEST, path: `/.oathkeeper${path}` })
    assert.ok(
      headers.some(([name, value]) => name === 'Strict-Transport-Security' && value === 'max-age=31536000'),
      path,
    )
  }
})

test('a page escapes whatever gets into it, the request id too', () => {
  const { body } = renderPage(
    {
      status: 400,
      title: '<b>&"\'',
      paragraphs: ['<script>alert(1)</script>'],
      actions: [{ kind: 'link', label: '<i>', href: 'https://app.example/?a="><script>' }],
      reference: { code: 'ERR_LOGIN_FAILED', requestId: '"><script>x</script>' },
    },
    true,
  )
  assert.doesNotMatch(body, /<script|<b>|<i>/)
})

test('H-12: what nobody foresaw is a page without a word of it, and the log has the cause', async (t) => {
  let store: UnreliableStore | undefined
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], { wrapStore: (inner) => (store = createUnreliableStore(inner)) })
  store!.before = () => {
    throw new TypeError('a secret inside')
  }
  const answer = await new Visitor().go(rig.url('/.oathkeeper/login'))
  assert.equal(answer.status, 500)
  assert.doesNotMatch(answer.text, /secret inside|TypeError/)
  assert.ok(rig.log.some(({ level, fields }) => level === 'error' && fields['error_code'] === 'ERR_INTERNAL'))
})

test('A-30: H-06: no answer of a whole visit holds a token, but the hint for the provider’s logout', async (t) => {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], { provider: { userinfo: true } })
  const visitor = new Visitor()
  const url = await callbackUrl(visitor, rig)
  await visitor.go(url)
  await visitor.go(url)
  for (const path of ['/session', '/signed-out', '/login', '/x', '/logout']) {
    await visitor.go(rig.url(`/.oathkeeper${path}`), { headers: { 'sec-fetch-site': 'cross-site' } })
  }
  await visitor.submit(rig.url('/.oathkeeper/logout'), {})
  const answers = rig.replies
    .filter(({ headers }) => headers.length > 0)
    .map((reply) => JSON.stringify(reply).replace(/id_token_hint=[^&"]+/, ''))
  for (const token of [...provider.given, provider.clientSecret]) {
    assert.ok(answers.every((answer) => !answer.includes(token)))
  }
})

/** RFC 6265bis §4.1.1, with no attribute twice. */
function assertSetCookie(line: string): void {
  const [pair = '', ...attributes] = line.split('; ')
  assert.match(pair, /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/)
  const names = attributes.map((attribute) => attribute.split('=')[0]?.toLowerCase())
  assert.equal(new Set(names).size, names.length, line)
  for (const attribute of attributes) {
    assert.match(
      attribute,
      /^(Path=\/[!-:<-~]*|Domain=[a-z0-9.-]+|HttpOnly|Secure|SameSite=(Lax|Strict|None)|Max-Age=\d+)$/,
    )
  }
  assert.ok(line.length < 4096)
}

const REQUEST = {
  method: 'GET',
  host: 'app.example',
  path: '/',
  rawQuery: '',
  headers: new HeaderList(),
  clientAddress: '192.0.2.1',
  readBody: () => Promise.resolve(new Uint8Array()),
  requestId: 'request-1',
} as const
