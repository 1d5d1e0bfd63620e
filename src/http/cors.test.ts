import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ask } from '../../test/support/api.ts'
import { systemClock } from '../kernel/clock.ts'
import { HeaderList } from '../kernel/headers.ts'
import { compileCors, type CorsOptions } from './cors.ts'
import { createHttpServer } from './server.ts'

type Header = readonly [name: string, value: string]

/** What rs/cors answers with the origin check of Oathkeeper: for each of the settings, each request's place in `answers`. */
interface Recorded {
  readonly settings: readonly CorsOptions[]
  readonly requests: readonly { readonly method: string; readonly headers: readonly Header[] }[]
  readonly answers: readonly { readonly reached: boolean; readonly headers: readonly Header[] }[]
  readonly expected: readonly (readonly number[])[]
}

const RECORDED = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../test/fixtures/http/cors.json'), 'utf8'),
) as Recorded

const DEFAULTS: CorsOptions = {
  enabled: true,
  allowedOrigins: ['*'],
  allowedMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: ['Authorization', 'Content-Type'],
  exposedHeaders: ['Content-Type'],
  allowCredentials: false,
  maxAgeSeconds: 0,
}

/** A server whose answers are empty, of one header, and of what CORS adds. */
async function startServer(t: TestContext, options: CorsOptions): Promise<number> {
  const cors = compileCors(options)
  const server = createHttpServer(
    {
      host: '127.0.0.1',
      port: 0,
      tls: undefined,
      readTimeoutMs: 5_000,
      writeTimeoutMs: 5_000,
      idleTimeoutMs: 5_000,
      maxHeaderSize: 16 * 1024,
      trusts: () => false,
    },
    {
      request(request, response) {
        if (cors?.handle(request.method ?? '', new HeaderList([...request.rawHeaders]), response) === true) return
        response.writeHead(200, ['X-Reached', 'yes', 'Content-Length', '0'])
        response.end()
      },
    },
    systemClock,
  )
  const { port } = await server.listen()
  t.after(() => server.close(0))
  return port
}

const byName = ([a]: Header, [b]: Header): number => (a < b ? -1 : Number(a > b))

test('every recorded request gets the headers that Oathkeeper gives', async (t) => {
  for (const [row, settings] of RECORDED.settings.entries()) {
    const port = await startServer(t, settings)
    for (const [column, { method, headers }] of RECORDED.requests.entries()) {
      const answer = await ask({ port, path: '/', method, headers })
      const expected = RECORDED.answers[RECORDED.expected[row]?.[column] ?? -1]
      const found = answer.headers.filter(([name]) => name !== 'x-reached').toSorted(byName)
      const wanted = expected?.headers.map(([name, value]): Header => [name.toLowerCase(), value])
      const hint = `${JSON.stringify(settings)} ${method} ${JSON.stringify(headers)}`
      assert.deepEqual(found, wanted, hint)
      assert.equal(answer.status, expected?.reached === true ? 200 : 204, hint)
    }
  }
})

test('the headers of CORS stand in front of those of the answer', async (t) => {
  const port = await startServer(t, DEFAULTS)
  const { headers } = await ask({ port, path: '/', headers: [['Origin', 'https://a.example']] })
  assert.deepEqual(headers, [
    ['vary', 'Origin'],
    ['access-control-allow-origin', 'https://a.example'],
    ['access-control-expose-headers', 'Content-Type'],
    ['x-reached', 'yes'],
  ])
})

test('of several Origin lines only the one that was checked is allowed', async (t) => {
  const port = await startServer(t, { ...DEFAULTS, allowedOrigins: ['https://a.example'] })
  const headers: Header[] = [
    ['Origin', 'https://a.example'],
    ['Origin', 'https://evil.example'],
  ]
  const answer = await ask({ port, path: '/', headers })
  const allowed = answer.headers.filter(([name]) => name === 'access-control-allow-origin')
  assert.deepEqual(allowed, [['access-control-allow-origin', 'https://a.example']])
})

test('without `enabled` there is nothing', () => {
  assert.equal(compileCors({ ...DEFAULTS, enabled: false }), undefined)
})
