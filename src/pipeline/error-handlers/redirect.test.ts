import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TEST_DEPS } from '../../../test/support/gate.ts'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import { GateError } from '../../kernel/errors.ts'
import { Exchange } from '../../kernel/exchange.ts'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import type { Reply } from '../../kernel/reply.ts'
import { redirect } from './redirect.ts'

async function respond(config: Record<string, unknown>, request: ViewParts = {}): Promise<Reply> {
  const parsed = redirect.schema?.parse(config)
  assert.ok(parsed)
  const step = redirect.compile(parsed, TEST_DEPS, { matchingStrategy: 'regexp' })
  const exchange = new Exchange(requestView(request), 'rule', [])
  return step.respond({ error: new GateError('ERR_CREDENTIALS_INVALID'), exchange })
}

async function locationOf(config: Record<string, unknown>, request: ViewParts = {}): Promise<string | undefined> {
  const { headers } = await respond(config, request)
  return headers.find(([name]) => name === 'Location')?.[1]
}

test('a redirect is a short page for GET, its headers for HEAD, and bare for other methods', async () => {
  const config = { to: 'https://login.example/?a=1&b="2"' }
  const get = await respond(config)
  assert.equal(get.status, 302)
  assert.equal(get.body, '<a href="https://login.example/?a=1&amp;b=&#34;2&#34;">Found</a>.\n\n')
  assert.deepEqual(get.headers, [
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Location', 'https://login.example/?a=1&b="2"'],
    ['Cache-Control', 'no-store'],
  ])
  const head = await respond(config, { method: 'HEAD' })
  assert.equal(head.body, '')
  assert.equal(head.headers.length, 3)
  const post = await respond({ ...config, code: 301 }, { method: 'POST' })
  assert.equal(post.status, 301)
  assert.equal(post.body, '')
  assert.equal(post.headers.length, 2)
})

test('a target without a host is resolved against the folder of the path, and cleaned', async () => {
  const from = (to: string, path: string): Promise<string | undefined> => locationOf({ to }, { path })
  assert.equal(await from('login', '/a/b'), '/a/login')
  assert.equal(await from('login/', ''), '/login/')
  assert.equal(await from('../x/./y', '/a/b/c'), '/a/x/y')
  assert.equal(await from('/a//b/../c?x=/../y', '/'), '/a/c?x=/../y')
  assert.equal(await from('//other.example/x/../y', '/'), '//other.example/x/../y')
  assert.equal(await from('/ü', '/'), '/%C3%BC')
})

test('the URL that was asked for goes into the parameter, and the query is written sorted', async () => {
  const config = { to: 'http://l/login?z=1&a=b c#frag', return_to_query_param: 'rt' }
  await assert.rejects(respond(config), HandlerConfigError)
  assert.equal(
    await locationOf({ ...config, to: 'http://l/login?z=1&a=b+c#frag' }, { path: '/x y', rawQuery: 'q=1&r=ü' }),
    'http://l/login?a=b+c&rt=http%3A%2F%2Fapp.example%2Fx%2520y%3Fq%3D1%26r%3D%C3%BC&z=1#frag',
  )
})

test('Annex B 18: on the decision API the question mark of the forwarded URI is part of its path', async () => {
  const request: ViewParts = {
    front: 'decision',
    host: 'a.example',
    path: '/p',
    headers: [
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'a.example'],
      ['X-Forwarded-Uri', '/p?q=1'],
    ],
  }
  assert.equal(
    await locationOf({ to: 'http://l/login', return_to_query_param: 'rt' }, request),
    'http://l/login?rt=https%3A%2F%2Fa.example%2Fp%253Fq%3D1',
  )
})

test('V-109: no character of a path becomes a control character of the answer', async () => {
  const config = { to: '/login', return_to_query_param: 'rt' }
  for (const path of ['/\u010d\u010a', '/\udc8d', '/\u2028']) {
    const location = (await locationOf(config, { path })) ?? ''
    assert.match(location, /^[\x21-\x7e]+$/)
  }
})

test('a target that is no URL and a parameter that is no name are refused at load', async () => {
  for (const to of ['http://a/\r\nX: y', 'http://a/ b', '/\\evil.example']) {
    await assert.rejects(respond({ to }), HandlerConfigError)
  }
  assert.equal(redirect.schema?.safeParse({ to: '/', return_to_query_param: 'a&b' }).success, false)
  assert.equal(redirect.schema?.safeParse({ to: '/', code: 307 }).success, false)
  assert.equal(redirect.schema?.safeParse({}).success, false)
})
