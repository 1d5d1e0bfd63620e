// What one request may cost: nobody may hold up, fill up or slow down the rest (ASVS 15.2.2, 15.4).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRaw, type RawClient, rawRequest } from '../support/raw-client.ts'
import { rule, startRawProduct } from '../support/raw-product.ts'

/** What it costs at best, in milliseconds of the processor: what else the machine has to do does not count. */
async function costOf(run: () => Promise<unknown>, runs = 3): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < runs; i++) {
    const before = process.cpuUsage()
    await run()
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

const SIZE = 14_000
const fill = (piece: string): string => piece.repeat(Math.floor(SIZE / piece.length))

/** An answer, or the end of the connection. */
function send(port: number, raw: string): Promise<unknown> {
  return rawRequest(port, raw).catch(() => undefined)
}

/** Header lines of the greatest size that have made parsers slow. */
const LINES: Readonly<Record<string, string>> = {
  'many cookies': `Cookie: ${fill('a=1; ')}`,
  'cookies without names': `Cookie: ${fill('; ')}`,
  'cookies that begin as ours': `Cookie: ${fill('oathkeepe=1; ')}`,
  'our cookie again and again': `Cookie: ${fill('oathkeeper=x;')}`,
  'blanks before our cookie': `Cookie: ${fill(' ')}oathkeeper=x`,
  'login cookies': `Cookie: ${fill('oathkeeper-login-AAAAAAAA=1.x; ')}`,
  'media types': `Accept: ${fill('a/b;q=0.1,')}text/html`,
  'a media type with quotes': `Accept: a/b;x="${fill('\\"')}`,
  semicolons: `Accept: ${fill(';')}`,
  'a chain of addresses': `X-Forwarded-For: ${fill('10.0.0.1, ')}10.0.0.1`,
  'a chain of colons': `X-Forwarded-For: ${fill(':')}`,
  'forwarded elements': `Forwarded: ${fill('for=1;by=2,')}for=1`,
  'an open quote': `Forwarded: for="${fill('\\a')}`,
  blanks: `Forwarded: ${fill(' ')}x`,
  'connection options': `Connection: ${fill('a,')}b`,
  'an origin': `Origin: ${fill('http://')}`,
  'many lines': `${fill('a:b\r\n')}A: b`,
  'many cookie lines': `${fill('Cookie: a=1\r\n')}A: b`,
}

const TARGETS: Readonly<Record<string, string>> = {
  slashes: fill('/'),
  dots: fill('/..'),
  'encoded dots': fill('/%2e%2e'),
  'encoded octets': `/${fill('%ff')}`,
  surrogates: `/${fill('%ed%a0%80')}`,
  quotes: `/${fill("'")}`,
  'a query of pairs': `/?${fill('a=1&')}`,
  'a query to be cleaned': `/?${fill('a;b=%zz&')}`,
  'opening brackets': `/${fill('[(')}`,
  'one letter': `/${fill('a')}!`,
}

test('H-14: no header and no target, whatever is in it, takes the time of many requests', async (t) => {
  const product = await startRawProduct(t, {
    config: { serve: { proxy: { trusted_proxies: ['127.0.0.1/32'] } }, log: { level: 'error' } },
    rules: ({ door, upstream }) => [
      rule('slow', `${door}/<(a+)+>$`, upstream),
      rule('words', `${door}/<([a-z]+[a-z]+)*>/x`, upstream),
      rule('rest', `${door}/<.*>`, upstream, { authenticators: [{ handler: 'session' }, { handler: 'noop' }] }),
    ],
  })
  const { host, proxyPort, apiPort } = product
  const cases: [what: string, run: () => Promise<unknown>][] = []
  for (const [what, line] of Object.entries(LINES)) {
    for (const path of ['/x', '/.oathkeeper/login', '/.oathkeeper/session']) {
      cases.push([
        `${what} at ${path}`,
        () => send(proxyPort, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${line}\r\n\r\n`),
      ])
    }
    cases.push([
      `${what} at the API`,
      () => send(apiPort, `GET /decisions/x HTTP/1.1\r\nHost: ${host}\r\n${line}\r\n\r\n`),
    ])
  }
  for (const [what, target] of Object.entries(TARGETS)) {
    cases.push([what, () => send(proxyPort, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\n\r\n`)])
    const forwarded = `X-Forwarded-Host: ${host}\r\nX-Forwarded-Uri: ${target}\r\n`
    cases.push([
      `${what} at the API`,
      () => send(apiPort, `GET /decisions HTTP/1.1\r\nHost: ${host}\r\n${forwarded}\r\n`),
    ])
    const query = `return_to=${encodeURIComponent(target).slice(0, SIZE)}`
    cases.push([
      `${what} as return target`,
      () => send(proxyPort, `GET /.oathkeeper/login?${query} HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
    ])
    cases.push([
      `${what} as state`,
      () =>
        send(proxyPort, `GET /.oathkeeper/callback?code=a&state=${target.slice(1)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
    ])
  }
  for (const [, run] of cases) await run()
  for (const [what, run] of cases) {
    const cost = await costOf(run)
    assert.ok(cost < 50, `${what} took ${cost} ms`)
  }
})

test('FM-35 V-108: hundreds of slow clients on every kind of slowness leave a quick one alone', async (t) => {
  const product = await startRawProduct(t, {
    config: {
      serve: {
        proxy: { timeout: { read: '400ms', write: '400ms', idle: '400ms' } },
        api: { timeout: { read: '400ms' } },
      },
    },
  })
  const { host, proxyPort, apiPort } = product
  const starts = [
    '',
    'G',
    'GET /public/x HTTP/1.1\r\n',
    `GET /public/x HTTP/1.1\r\nHost: ${host}\r\nX: `,
    `POST /public/x HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 10\r\n\r\na`,
    `POST /me HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 10\r\n\r\na`,
  ]
  const slow: RawClient[] = []
  for (let i = 0; i < 300; i++) {
    const client = openRaw(i % 5 === 0 ? apiPort : proxyPort)
    client.write(starts[i % starts.length] ?? '')
    slow.push(client)
  }
  const drip = setInterval(() => {
    for (const client of slow) if (!client.isClosed) client.write('a')
  }, 100)
  const begun = performance.now()
  assert.equal((await rawRequest(proxyPort, `GET /public/x HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status, 200)
  assert.equal((await rawRequest(apiPort, 'GET /health/alive HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200)
  assert.ok(performance.now() - begun < 3_000, `took ${performance.now() - begun} ms`)
  // Heads that never end are cut although something keeps coming; bodies may be slow as long as they move.
  await Promise.all(slow.filter((_, i) => i % starts.length < 4).map(({ closed }) => closed))
  clearInterval(drip)
  await Promise.all(slow.map(({ closed }) => closed))
  for (const client of slow) client.destroy()
})
