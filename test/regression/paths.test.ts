// Path confusion: the rule is chosen by one reading of a path, and somebody behind reads it in another way
// (Oathkeeper CVE-2026-33494, heimdall CVE-2026-42274, Envoy CVE-2019-9901, Traefik CVE-2025-66490 and its successors).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type RawResponse, rawRequest } from '../support/raw-client.ts'
import type { RawUpstream, UpstreamRequest } from '../support/raw-upstream.ts'
import { type RawProduct, type RawProductOptions, rule, startRawProduct } from '../support/raw-product.ts'

type Section = Readonly<Record<string, unknown>>

/** Who is let in tells which rule it was; the header tells the path that was matched. */
const HEADERS = { 'X-Rule': '{{ print .Subject }}', 'X-Path': '{{ b64enc .MatchContext.URL.Path }}' }

function open(id: string, url: string, upstream: RawUpstream, changes: Section = {}): Section {
  return rule(id, url, upstream, {
    authenticators: [{ handler: 'anonymous', config: { subject: id } }],
    mutators: [{ handler: 'header', config: { headers: HEADERS } }],
    ...changes,
  })
}

/** Three areas that share nothing: what is under `/public`, what is under `/admin`, and the rest. */
function areas({ door, upstream }: { readonly door: string; readonly upstream: RawUpstream }): Section[] {
  return [
    open('public', `${door}/public<(/[\\s\\S]*)?>`, upstream),
    open('admin', `${door}/admin<(/[\\s\\S]*)?>`, upstream),
    open('rest', `${door}/<(?!public(/|$)|admin(/|$))[\\s\\S]*>`, upstream),
  ]
}

function areaOf(path: string): string {
  return /^\/(public|admin)(?:\/|$)/.exec(path)?.[1] ?? 'rest'
}

/** The octets of a path, read as an upstream reads it that follows the standard: decoded once. */
function decodeOnce(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

interface Outcome {
  readonly status: number
  readonly seen: UpstreamRequest | undefined
}

async function send(product: RawProduct, target: string, ...lines: string[]): Promise<Outcome> {
  const before = product.upstream.requests.length
  const head = [`GET ${target} HTTP/1.1`, `Host: ${product.host}`, ...lines].join('\r\n')
  const { status } = await rawRequest(product.proxyPort, `${head}\r\n\r\n`)
  return { status, seen: product.upstream.requests[before] }
}

function decide(product: RawProduct, target: string): Promise<RawResponse> {
  const { host } = product
  const forwarded = ['Method: GET', 'Proto: http', `Host: ${host}`, `Uri: ${target}`].map(
    (line) => `X-Forwarded-${line}`,
  )
  return rawRequest(product.apiPort, `GET /decisions HTTP/1.1\r\nHost: ${host}\r\n${forwarded.join('\r\n')}\r\n\r\n`)
}

/** What must hold of every request that got through. */
function checkForwarded(target: string, { status, seen }: Outcome): void {
  if (seen === undefined) {
    assert.ok(status === 400 || status === 404, `${target}: ${status}`)
    return
  }
  assert.equal(status, 200, target)
  const [path = ''] = seen.target.split('?', 1)
  const matched = Buffer.from(seen.header('x-path') ?? '', 'base64').toString('latin1')
  assert.equal(decodeOnce(path), matched, `${target}: what was forwarded is not what was matched`)
  assert.equal(seen.header('x-rule'), areaOf(matched), `${target}: another rule's path was forwarded`)
  assert.ok(!/\/\.{0,2}(\/|$)/.test(matched.replace(/\/$/, '')), `${target}: ${matched} is not clean`)
  assert.ok(!path.includes('\\') && !path.includes('#') && path.startsWith('/'), path)
}

/** The reserved group of hostile spellings, each of which once opened something somewhere. */
const CORPUS: readonly (readonly [target: string, area: 'public' | 'admin' | 'rest' | 'refused'])[] = [
  ['/public/../admin/secrets', 'admin'],
  ['/public/%2e%2e/admin', 'admin'],
  ['/public/%2E%2E/admin', 'admin'],
  ['/public/.%2e/admin', 'admin'],
  ['/public/%2e./admin', 'admin'],
  ['/public/..%2fadmin', 'admin'],
  ['/public/..%2Fadmin', 'admin'],
  ['/public%2f..%2fadmin', 'admin'],
  ['/public%2F%2e%2e%2Fadmin', 'admin'],
  ['/public/%2e%2e%2fadmin/', 'admin'],
  ['/public//../admin', 'admin'],
  ['/public/.//../admin', 'admin'],
  ['/public/./../admin', 'admin'],
  ['/public/%2e/%2e%2e/admin', 'admin'],
  ['/public/x/../../admin', 'admin'],
  ['//admin', 'admin'],
  ['///admin', 'admin'],
  ['/./admin', 'admin'],
  ['/%2e/admin', 'admin'],
  ['/%2e%2e/admin', 'admin'],
  ['/%2fadmin', 'admin'],
  ['/admin%2f', 'admin'],
  ['/admin/.', 'admin'],
  ['/admin/;x', 'admin'],
  ['/%61dmin', 'admin'],
  ['/admin/..', 'rest'],
  ['/admin/../public', 'public'],
  ['/public/..', 'rest'],
  ['/public/..;/admin', 'public'],
  ['/public/..%5cadmin', 'public'],
  ['/public/%5c..%5cadmin', 'public'],
  ['/public/%252e%252e/admin', 'public'],
  ['/public/%252e%252e%252fadmin', 'public'],
  ['/public/..%252fadmin', 'public'],
  ['/public/%c0%ae%c0%ae/admin', 'public'],
  ['/public/%c0%af../admin', 'public'],
  ['/public/%e0%80%ae%e0%80%ae/admin', 'public'],
  ['/public/%ef%bc%8e%ef%bc%8e/admin', 'public'],
  ['/public/..%ef%bc%8fadmin', 'public'],
  ['/public/.%00./admin', 'public'],
  ['/public/%00/../admin', 'public'],
  ['/public/%ff/../admin', 'public'],
  ['/public/%3f/../admin', 'public'],
  ['/public/%23/../admin', 'public'],
  ['/public/?/../admin', 'public'],
  ['/public?/../../admin', 'public'],
  ['/public/...', 'public'],
  ['/public/a...b', 'public'],
  ['/public/.../admin', 'public'],
  ['/public/%0d%0aX-Rule:admin', 'public'],
  ['/publicx', 'rest'],
  ['/admin%20', 'rest'],
  ['/admin%00', 'rest'],
  ['/admin;x', 'rest'],
  ['/;/admin', 'rest'],
  ['/public/..\\admin', 'refused'],
  ['/public\\..\\admin', 'refused'],
  ['/public/%u002e%u002e/admin', 'refused'],
  ['/public/%', 'refused'],
  ['/public/%2', 'refused'],
  ['/public/%zz/../admin', 'refused'],
  ['/public/%%32%65%%32%65/admin', 'refused'],
  ['/public#/../admin', 'refused'],
  ['/public/?x#/../admin', 'refused'],
  ['/public/\x7f', 'refused'],
  ['/public/\x01', 'refused'],
  ['/public/\u00c0\u00ae\u00c0\u00ae/admin', 'refused'],
]

const VARIANTS: readonly (readonly [name: string, config: NonNullable<RawProductOptions['config']>])[] = [
  ['trailing slashes kept', {}],
  ['trailing slashes stripped', { access_rules: { trailing_slash: 'strip' } }],
  ['strict paths', { serve: { proxy: { strict_paths: true } } }],
]

for (const [name, config] of VARIANTS) {
  test(`V-003 V-027 V-028 V-030 V-052: every spelling of a path is decided and forwarded alike (${name})`, async (t) => {
    const product = await startRawProduct(t, { config, rules: areas })
    const isStrict = name === 'strict paths'
    for (const [target, area] of CORPUS) {
      const outcome = await send(product, target)
      checkForwarded(target, outcome)
      const dangerous = /%(?:2f|5c|2e|00)|\/\.\.?;/i.test(target.split('?', 1)[0] ?? '')
      const expected = isStrict && dangerous ? 'refused' : area
      if (expected === 'refused') assert.equal(outcome.status, 400, target)
      else assert.equal(outcome.seen?.header('x-rule'), expected, target)
    }
  })
}

test('V-024: for random targets what is forwarded is what was matched, whatever the settings', async (t) => {
  const separators = ['/', '/', '//', '.', '..', '%2e', '%2E%2e', '%2f', '%2F', '%5c', '%00', ';', '%3b', '?', '%']
  const words = ['public', 'admin', '%61dmin', 'x', '%c0%ae', '%ff', '%c3%a9', '%20', '%3f', '%23', '+', "'", '!', '*']
  const encodedTwice = ['%25', '%252e', '%252f']
  const unit = fc.constantFrom(...separators, ...words, ...encodedTwice)
  const targets = fc.array(unit, { maxLength: 9 }).map((units) => `/${units.join('')}`)
  for (const [, config] of VARIANTS) {
    const product = await startRawProduct(t, { config, rules: areas })
    await fc.assert(
      fc.asyncProperty(targets, async (target) => checkForwarded(target, await send(product, target))),
      { numRuns: 300 },
    )
  }
})

test('V-003: the decision API reads a path as the proxy does, or refuses it', async (t) => {
  const product = await startRawProduct(t, { rules: areas })
  for (const [target, area] of CORPUS) {
    const answer = await decide(product, target)
    // A header may hold octets that a request line may not.
    if (area === 'refused' && !target.includes('\u00c0')) assert.equal(answer.status, 400, target)
    if (area === 'refused') continue
    if (answer.status !== 200) {
      assert.ok([400, 404].includes(answer.status), `${target}: ${answer.status}`)
      continue
    }
    assert.equal(answer.header('x-rule'), area, target)
  }
})

test('V-003: on the decision API a path that is one rule to us and another to who does not clean it is refused', async (t) => {
  const product = await startRawProduct(t, { rules: areas })
  // The gateway passes on what it got, and many applications take `/admin/../public` for something below `/admin`.
  for (const target of [
    '/admin/../public',
    '/admin/..%2fpublic',
    '/admin/x/%2e%2e/../public',
    '/public/%2e%2e/admin',
  ]) {
    assert.equal((await decide(product, target)).status, 400, target)
    const own = await rawRequest(product.apiPort, `GET /decisions${target} HTTP/1.1\r\nHost: ${product.host}\r\n\r\n`)
    assert.ok(own.status === 400 || own.status === 307, `${target}: ${own.status}`)
  }
  for (const target of ['/admin/x/../y', '/public/./x', '/public//x', '/admin/x/..', '/public/a%2fb']) {
    assert.equal((await decide(product, target)).header('x-rule'), areaOf(target), target)
  }
})

test('V-003 V-029: no path gets into the match by way of a host or a scheme', async (t) => {
  const product = await startRawProduct(t, { rules: areas })
  const { host, apiPort } = product
  const cases: [proto: string, named: string][] = [
    ['http', `${host}/public`],
    ['http', `${host}/public/`],
    ['http', `${host}/public?`],
    ['http', `${host}/public#`],
    ['http', `${host}\\public`],
    ['http', `user@${host}`],
    ['http', `${host}, ${host}`],
    ['http', `${host} `.concat('x')],
    [`http://${host}/public/x`, host],
    [`http://${host}/public/x?`, ''],
    ['http:', host],
    ['http,http', host],
  ]
  for (const [proto, named] of cases) {
    const lines = `X-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${named}\r\nX-Forwarded-Uri: /admin\r\n`
    const answer = await rawRequest(apiPort, `GET /decisions HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`)
    assert.equal(answer.status, 404, lines)
  }
})

test('V-050: a path that is stripped or joined stays below where the rule leads', async (t) => {
  const product = await startRawProduct(t, {
    rules: ({ door, upstream }) => [
      open('api', `${door}/api<[\\s\\S]*>`, upstream, {
        upstream: { url: `${upstream.origin}/base`, strip_path: '/api' },
      }),
      open('other', `${door}/<(?!api)[\\s\\S]*>`, upstream, { upstream: { url: `${upstream.origin}/base/` } }),
    ],
  })
  const tails = [
    '',
    '/',
    '/x',
    '/..%2f',
    '/..%2f..%2f..%2fetc',
    '/%2e%2e/x',
    '//..',
    '../x',
    '..',
    '%2f..%2f..',
    'api',
    '/api/..',
    '/.%2e',
    '.',
    '//evil.test',
    '/%2f%2fevil.test',
    '%5c..%5c',
    '?x=/..',
  ]
  for (const tail of tails) {
    for (const prefix of ['/api', '/b']) {
      const { status, seen } = await send(product, prefix + tail)
      if (seen === undefined) {
        assert.ok(status === 400 || status === 404, `${prefix}${tail}: ${status}`)
        continue
      }
      const [path = ''] = seen.target.split('?', 1)
      assert.match(decodeOnce(path), /^\/base(?:\/|$)/, `${prefix}${tail} leads to ${path}`)
      assert.ok(!decodeOnce(path).split('/').includes('..'), `${prefix}${tail} leads to ${path}`)
    }
  }
})

test('V-057: letters of a path count as they are, however they are spelt', async (t) => {
  const product = await startRawProduct(t, { rules: areas })
  for (const [target, area] of [
    ['/ADMIN', 'rest'],
    ['/Admin', 'rest'],
    ['/%41dmin', 'rest'],
    ['/%61dmin', 'admin'],
    ['/%61%64%6d%69%6e', 'admin'],
    ['/%61%64%6D%69%6E', 'admin'],
  ] as const) {
    const { seen } = await send(product, target)
    assert.equal(seen?.header('x-rule'), area, target)
    assert.equal((await decide(product, target)).header('x-rule'), area, target)
  }
})

test('V-014: a rule looks at the path and never at the query', async (t) => {
  const product = await startRawProduct(t, {
    rules: ({ door, upstream }) => [
      open('status', `${door}/api/<.*>/status`, upstream),
      rule('private', `${door}/api/private/<[^/]*>`, upstream, { authorizer: { handler: 'deny' } }),
    ],
  })
  for (const query of ['?p=/status', '?/status', '?x=1&y=/api/a/status', '?x%2fstatus', '??/status']) {
    const { status, seen } = await send(product, `/api/private/x${query}`)
    assert.equal(status, 401, query)
    assert.equal(seen, undefined)
    assert.equal((await decide(product, `/api/private/x${query}`)).status, 401, query)
  }
  assert.equal((await send(product, '/api/private/x/status')).status, 200)
})

test('V-029: another case of a host, a dot behind it or its default port lead around no rule', async (t) => {
  const product = await startRawProduct(t, {
    rules: ({ upstream }) => [
      rule('admin', 'http://admin.example.test/<.*>', upstream, { authorizer: { handler: 'deny' } }),
      open('any', 'http://<(?!admin\\.example\\.test)[^/]+>/<.*>', upstream),
    ],
  })
  const hosts = [
    'admin.example.test',
    'ADMIN.Example.Test',
    'aDmin.example.test',
    'admin.example.test:80',
    'admin.example.test.',
    'ADMIN.example.test.:80',
  ]
  for (const host of hosts) {
    const proxied = await rawRequest(product.proxyPort, `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    const absolute = await rawRequest(product.proxyPort, `GET http://${host}/x HTTP/1.1\r\nHost: any.test\r\n\r\n`)
    const lines = `X-Forwarded-Proto: http\r\nX-Forwarded-Uri: /x\r\nX-Forwarded-Host: ${host}`
    const decided = await rawRequest(product.apiPort, `GET /decisions HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`)
    // Compared as they are written, as in Oathkeeper; what is spelt otherwise gets to no rule, not around one.
    const refused = host === 'admin.example.test' ? 401 : 404
    assert.deepEqual([proxied.status, absolute.status, decided.status], [refused, refused, refused], host)
  }
  assert.equal(product.upstream.requests.length, 0)
})
