// Open redirects (oauth2-proxy CVE-2020-5233, -11053, -4037, -2021-21291; mod_auth_openidc CVE-2022-23527; mod_auth_mellon
// CVE-2019-3877, -13038; Authelia CVE-2021-29456; express-openid-connect GHSA-7p99-3798-f85c), tried at every place where
// people are sent on, and read as a browser reads a `Location`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRaw, rawRequest, type RawResponse } from '../support/raw-client.ts'
import { type RawProduct, rule, startRawProduct } from '../support/raw-product.ts'
import { Visitor } from '../support/visitor.ts'

const STEMS = ['evil.test', 'evil.test/', 'evil.test/x', '@evil.test', 'evil.test:80', 'evil%E3%80%82test']
const LEADS = [
  '//',
  '///',
  '////',
  '/\\',
  '\\/',
  '\\\\',
  '\\',
  '/\\/',
  '//\\',
  '/ /',
  '/\t/',
  '/\n/',
  '/\r/',
  '/\r\n/',
  '/\v/',
  '/\f/',
  '/\u00a0/',
  '/\u2028/',
  '/\ufeff/',
  '\t//',
  ' //',
  '\u0001//',
  '\u0000//',
  '\ufeff//',
  '/%09/',
  '/%0a/',
  '/%0d/',
  '/%20/',
  '/%5c',
  '/%5C%5c',
  '/%2f',
  '/%2F/',
  '/%2f%2f',
  '%2f%2f',
  '/%252f',
  '/.//',
  '/./\\',
  '/..//',
  '/../\\',
  '/a/..//',
  '/a/../..//',
  '/%2e//',
  '/%2e%2e//',
  '/%2e%2e/%2f',
  '/.%2e//',
  '/;//',
  '/?//',
  '/#//',
  '//;@',
  '/.',
  '.',
  '..',
  './/',
  ';//',
  '@',
  ':',
  '?',
  '#',
  'http:',
  'https:',
  'http:/',
  'https:/',
  'http://',
  'https://',
  'HTTPS://',
  'https:\\\\',
  'https:/\\',
  'https:\t//',
  'ht\ntps://',
  'https;//',
  '//https://',
  '/https://',
  'javascript:',
  'javascript://',
  'data:text/html,',
  'vbscript:',
  'blob:https://',
  'file://',
  'ftp://',
  'view-source:https://',
  'about:',
  '\u202ehttps://',
  '／／',
  '／',
  '＼',
  '/／',
  '/＼',
  '//％5c',
  '/..／',
  '\u3002//',
]
const ORIGINS = [
  '@ORIGIN@@evil.test',
  '@ORIGIN@.evil.test',
  '@ORIGIN@:80@evil.test',
  '@ORIGIN@\\@evil.test',
  '@ORIGIN@%40evil.test',
  '@ORIGIN@%00.evil.test',
  '@ORIGIN@\t.evil.test',
  'http://user:pass@@HOST@/',
  'http://@HOST@:0@evil.test/',
  'http://evil.test#@HOST@',
  'http://evil.test?@HOST@',
  'http://evil.test\\@HOST@',
  'http://[::ffff:7f00:1]/',
  'http://127.1/',
  'http://0x7f000001/',
  'http://2130706433/',
  'http://127.0.0.1.evil.test/',
  'http://127.0.0.1/',
  'http://127.0.0.1:1/',
  'http://[',
  '//%',
  'https://:80',
  'http://%00/',
  'http:///evil.test',
  '///',
  '//',
  '/\\',
  '',
  ' ',
  'null',
  'undefined',
  '[object Object]',
]

function corpus(product: RawProduct): string[] {
  const built = LEADS.flatMap((lead) => STEMS.map((stem) => lead + stem))
  const ours = ORIGINS.map((text) => text.replaceAll('@ORIGIN@', product.door).replaceAll('@HOST@', product.host))
  return [
    ...built,
    ...ours,
    `/${'a'.repeat(70_000)}`.slice(0, 9_000),
    '/.oathkeeper/logout',
    '/%2eoathkeeper/logout',
    '//.oathkeeper/logout',
    '/x/../.oathkeeper/logout',
  ]
}

/** A `Location`, as every browser reads it, leads to us and nowhere else; and no reader can take a part of it otherwise. */
function checkLocation(location: string | undefined, product: RawProduct, what: string): void {
  assert.ok(location !== undefined, `${what}: no Location`)
  assert.ok(location.startsWith(`${product.door}/`), `${what} leads to ${location}`)
  assert.match(location, /^[\x21-\x5b\x5d-\x7e]+$/, `${what}: ${JSON.stringify(location)}`)
  assert.equal(new URL(location).origin, product.door)
  assert.equal(new URL(location).href, location, 'it is read as it is written')
  assert.doesNotMatch(new URL(location).pathname, /^\/+\.oathkeeper\/(?:logout|login|callback)/)
}

test('A-16 V-012 V-013 V-074: no return target leaves our origin, however it is spelt', async (t) => {
  const product = await startRawProduct(t, { config: { log: { level: 'error' } } })
  for (const target of corpus(product)) {
    const visitor = new Visitor()
    const begun = await visitor.go(`${product.door}/.oathkeeper/login?return_to=${encodeURIComponent(target)}`)
    if (begun.status !== 302) {
      assert.ok([400, 414, 431].includes(begun.status), `${JSON.stringify(target)}: ${begun.status}`)
      continue
    }
    assert.equal(new URL(begun.headers['location'] ?? '').origin, product.provider.issuer)
    const authorized = await visitor.go(begun.headers['location'] ?? '')
    const done = await visitor.go(authorized.headers['location'] ?? '')
    assert.equal(done.status, 302, JSON.stringify(target))
    checkLocation(done.headers['location'], product, JSON.stringify(target))
  }
})

test('V-012: as it stands in the query, not encoded or encoded twice, a return target leads nowhere else either', async (t) => {
  const product = await startRawProduct(t, { config: { log: { level: 'error' } } })
  const spellings: ((target: string) => string)[] = [
    (target) =>
      Buffer.from(target, 'utf8')
        .toString('latin1')
        .replace(/[\x00-\x20\x7f-\xff#]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`),
    (target) => encodeURIComponent(encodeURIComponent(target)),
    (target) => [...Buffer.from(target)].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join(''),
  ]
  for (const target of corpus(product).filter((_, i) => i % 3 === 0 && _.length < 1_000)) {
    for (const spell of spellings) {
      const raw = `GET /.oathkeeper/login?return_to=${spell(target)} HTTP/1.1\r\nHost: ${product.host}\r\nAccept: text/html\r\n\r\n`
      const begun = await rawRequest(product.proxyPort, raw)
      if (begun.status !== 302) {
        assert.equal(begun.status, 400, raw)
        continue
      }
      const visitor = new Visitor()
      const cookie = (begun.header('set-cookie') ?? '').split(';', 1)[0] ?? ''
      const authorized = await visitor.go(begun.header('location') ?? '')
      const done = await visitor.go(authorized.headers['location'] ?? '', { headers: { cookie } })
      assert.equal(done.status, 302)
      checkLocation(done.headers['location'], product, raw)
    }
  }
})

test('V-065: the address of a protected page, whatever it looks like, is where the login leads back to, on our origin', async (t) => {
  const product = await startRawProduct(t, {
    config: { log: { level: 'error' } },
    rules: ({ door, upstream }) => [
      rule('all', `${door}<[\\s\\S]*>`, upstream),
      rule('elsewhere', 'http://<(evil\\.test|other\\.test)><[\\s\\S]*>', upstream),
    ],
  })
  const targets = [
    '//evil.test/x',
    '///evil.test',
    '/.//evil.test',
    '/..//evil.test',
    '/%2f/evil.test',
    '/%5cevil.test',
    '/%09/evil.test',
    '/%2e%2e//evil.test',
    '/;//evil.test',
    '/?//evil.test',
    '/x?return_to=//evil.test',
    `http://${product.host}//evil.test/x`,
    'http://evil.test/x',
    '//evil.test/%2e%2e/%2e%2e//x',
    '/@evil.test',
    '/x/..//evil.test?a=b',
    '/%ff//evil.test',
    '/%0d%0aLocation:%20https://evil.test',
  ]
  for (const target of targets) {
    for (const host of [product.host, 'evil.test', `evil.test:${product.proxyPort}`, `${product.host}`.toUpperCase()]) {
      const raw = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.test\r\nX-Original-URL: //evil.test\r\n\r\n`
      const answer = await rawRequest(product.proxyPort, raw)
      if (answer.status === 404 || answer.status === 400) continue
      assert.equal(answer.status, 302, raw)
      const location = answer.header('location') ?? ''
      assert.ok(location.startsWith(`${product.door}/.oathkeeper/login`), location)
      assert.match(location, /^[\x21-\x7e]+$/)
      const arrival = await new Visitor().follow(location)
      for (const url of arrival.trail) {
        assert.ok(
          [product.door, product.provider.issuer].includes(new URL(url).origin),
          `${target} by ${host} leads to ${url}`,
        )
      }
    }
  }
})

test('V-017 V-065: what a gateway says was asked for leads back to our origin or to none', async (t) => {
  const product = await startRawProduct(t, {
    config: { log: { level: 'error' } },
    rules: ({ upstream }) => [rule('all', '<https?>://<[^/]*><[\\s\\S]*>', upstream)],
  })
  for (const uri of [
    '//evil.test/x',
    '/\\evil.test',
    '/x',
    '/%2f/evil.test',
    '/..//evil.test',
    '/?//evil.test',
    '/.oathkeeper/logout',
  ]) {
    for (const host of [
      product.host,
      'evil.test',
      `${product.host}@evil.test`,
      `evil.test/${product.host}`,
      '',
      'evil.test#',
    ]) {
      for (const proto of ['http', 'https', 'javascript', 'http://evil.test/', '']) {
        const lines = `X-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${host}\r\nX-Forwarded-Uri: ${uri}\r\n`
        const answer = await rawRequest(
          product.apiPort,
          `GET /decisions HTTP/1.1\r\nHost: ${product.host}\r\nAccept: text/html\r\n${lines}\r\n`,
        )
        assert.notEqual(answer.status, 200, lines)
        const location = answer.header('location')
        if (location === undefined) continue
        assert.ok(location.startsWith(`${product.door}/.oathkeeper/login`), location)
        const arrival = await new Visitor().follow(location)
        for (const url of arrival.trail) {
          assert.ok([product.door, product.provider.issuer].includes(new URL(url).origin), `${lines} leads to ${url}`)
        }
      }
    }
  }
})

test('V-035 V-080 C-02: a logout, its end and every page of ours lead nowhere that the request names', async (t) => {
  const product = await startRawProduct(t, { config: { log: { level: 'error' } } })
  const names = [
    'return_to',
    'rd',
    'redirect',
    'redirect_uri',
    'post_logout_redirect_uri',
    'state',
    'next',
    'url',
    'id_token_hint',
  ]
  for (const target of ['//evil.test', 'https://evil.test/', '/\\evil.test', 'javascript:alert(1)']) {
    const query = names.map((name) => `${name}=${encodeURIComponent(target)}`).join('&')
    const { cookie } = await product.signIn()
    for (const path of ['logout', 'signed-out', 'callback', 'session', 'login', 'nothing']) {
      for (const method of ['GET', 'POST']) {
        const lines = [
          'Accept: text/html',
          'Sec-Fetch-Site: same-origin',
          `Origin: ${product.door}`,
          `Referer: https://evil.test/`,
          'Sec-Fetch-Mode: navigate',
          'Content-Length: 0',
          cookie,
        ]
        const raw = `${method} /.oathkeeper/${path}?${query} HTTP/1.1\r\nHost: ${product.host}\r\n${lines.join('\r\n')}\r\n\r\n`
        const answer: RawResponse = await rawRequest(product.proxyPort, raw)
        const location = answer.header('location')
        if (location !== undefined)
          assert.ok([product.door, product.provider.issuer].includes(new URL(location).origin), location)
        const body = String(answer.body)
        for (const [, href = ''] of body.matchAll(/(?:href|action|content|src)="([^"]*)"/g)) {
          if (!/^(?:[a-z]+:|\/|\\)/i.test(href)) continue
          assert.equal(new URL(href, product.door).origin, product.door, `${path}: ${href}`)
        }
        assert.doesNotMatch(decodeURIComponent(location ?? '') + body, /evil\.test|alert\(1\)/, `${method} ${path}`)
      }
    }
  }
})

test('C-02: only the browser that began a logout is led on when it comes back, and only with the state of that logout', async (t) => {
  const product = await startRawProduct(t, { config: { log: { level: 'error' }, login: { after_logout: '/bye' } } })
  const { visitor } = await product.signIn()
  const ended = await visitor.go(`${product.door}/.oathkeeper/logout`, {
    method: 'POST',
    headers: { origin: product.door, 'sec-fetch-site': 'same-origin' },
  })
  const atProvider = await visitor.go(ended.headers['location'] ?? '')
  const back = new URL(atProvider.headers['location'] ?? '')
  const state = back.searchParams.get('state') ?? ''
  const other = `${state[0] === 'A' ? 'B' : 'A'}${state.slice(1)}`
  for (const [who, given] of [
    [visitor.copy(), ''],
    [visitor.copy(), other],
    [visitor.copy(), state.toLowerCase().replace(/^./, '_')],
    [visitor.copy(), `${state}&state=${state}`],
    [new Visitor(), state],
  ] as const) {
    const answer = await who.go(`${back.origin}${back.pathname}?state=${given}`)
    assert.equal(answer.status, 200, given)
    assert.equal(answer.headers['location'], undefined)
  }
  const led = await visitor.go(back.href)
  assert.equal(led.headers['location'], `${product.door}/bye`)
})

test('A-15 V-040: where we say that we are does not depend on what a request says', async (t) => {
  const product = await startRawProduct(t, { config: { log: { level: 'error' } } })
  const lies = [
    'X-Forwarded-Host: evil.test',
    'X-Forwarded-Proto: https',
    'Forwarded: host=evil.test;proto=https',
    'X-Original-Host: evil.test',
    'X-Host: evil.test',
    'X-Forwarded-Port: 443',
    'X-Forwarded-Server: evil.test',
    'X-Forwarded-Prefix: /evil',
  ]
  for (const host of [product.host, 'evil.test', '127.0.0.1:1', 'localhost']) {
    const client = openRaw(product.proxyPort)
    client.write(`GET /.oathkeeper/login HTTP/1.1\r\nHost: ${host}\r\n${lies.join('\r\n')}\r\n\r\n`)
    const { status, header } = await client.response()
    client.destroy()
    assert.equal(status, 302)
    const location = new URL(header('location') ?? '')
    assert.equal(location.searchParams.get('redirect_uri'), `${product.door}/.oathkeeper/callback`)
    assert.doesNotMatch(location.href, /evil/)
  }
})
