import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../kernel/headers.ts'
import type { RequestView } from '../kernel/request.ts'
import { readTarget, type TargetRules } from '../http/target.ts'
import { upstreamPathAndQuery } from './upstream-url.ts'

const KEEP: TargetRules = { trailingSlash: 'keep', strictPaths: false }
const STRIP: TargetRules = { trailingSlash: 'strip', strictPaths: false }

function sent(target: string, upstream: { basePath?: string; stripPath?: string } = {}, rules = STRIP): string {
  const { path, rawPath, rawQuery, originalUri } = readTarget(target, rules)
  const view: RequestView = {
    front: 'proxy',
    method: 'GET',
    scheme: 'http',
    host: 'a',
    receivedHost: 'a',
    path,
    rawPath,
    rawQuery,
    originalUri,
    headers: new HeaderList(),
    clientAddress: '',
    peerAddress: '',
    peerTrusted: false,
    requestId: '',
    readBody: async () => new Uint8Array(),
  }
  const whereTo = { origin: '', host: '', basePath: '', preserveHost: false, stripPath: '', ...upstream }
  return upstreamPathAndQuery(view, whereTo, rules.trailingSlash)
}

test('the path is joined to that of the upstream, as Oathkeeper was seen to do', () => {
  const cases: [target: string, basePath: string, path: string][] = [
    ['/up/base', '/base/path', '/base/path/up/base'],
    ['/up/base/', '/base/path', '/base/path/up/base'],
    ['/up/base/x/../y', '/base/path', '/base/path/up/base/y'],
    ['/up/base/x%20y', '/base/path/', '/base/path/up/base/x%20y'],
    ['/up/base/%E2%9C%93', '/base/path/', '/base/path/up/base/%E2%9C%93'],
    ['/x%2Fy', '', '/x%2Fy'],
    ['/x%2Fy', '/', '/x%2Fy'],
    ['/x%2Fy', '/base', '/base/x/y'],
    ['/x!y', '', '/x!y'],
    ['/x!y', '/base', '/base/x%21y'],
    ['/x', 'relative', '/relative/x'],
  ]
  for (const [target, basePath, path] of cases) assert.equal(sent(target, { basePath }), path, target)
})

test('strip_path is Oathkeeper’s: its first occurrence, wherever it is', () => {
  const cases: [target: string, stripPath: string, path: string][] = [
    ['/up/strip/', 'up/strip', '/'],
    ['/up/strip/x%2Fy', 'up/strip', '/x/y'],
    ['/up/strip-mid/x', 'x', '/up/strip-mid'],
    ['/up/strip-mid/x%20y', 'x', '/up/strip-mid%20y'],
    ['/v1/apiary', 'api', '/v1ary'],
    ['/apiapi', 'api', '/api'],
    ['/other', 'api', '/other'],
  ]
  for (const [target, stripPath, path] of cases) assert.equal(sent(target, { stripPath }), path, target)
  assert.equal(sent('/up/strip-base/x', { basePath: '/b', stripPath: 'up' }), '/b/strip-base/x')
})

test('the query is the client’s, an empty one included', () => {
  assert.equal(sent('/x?q=a%20b&q=2&r'), '/x?q=a%20b&q=2&r')
  assert.equal(sent('/x?'), '/x?')
  assert.equal(sent('/a/x?', { stripPath: 'a' }), '/x?')
})

test('a trailing slash is kept where it is kept in matching', () => {
  assert.equal(sent('/x/', {}, KEEP), '/x/')
  assert.equal(sent('/x/', { basePath: '/b' }, KEEP), '/b/x/')
  assert.equal(sent('/a/x/', { basePath: '/b', stripPath: 'a' }, KEEP), '/b/x/')
  assert.equal(sent('/a/', { stripPath: 'a' }, KEEP), '/')
  assert.equal(sent('/', { basePath: '/b' }, KEEP), '/b/')
  assert.equal(sent('/', { basePath: '/b' }), '/b')
})

test('V-050: what is left after strip_path stays below the root', () => {
  for (const target of [
    '/api/..%2fadmin',
    '/apiapi',
    '/api//..',
    '/api../x',
    '/api..%2f..%2fx',
    '/api./x',
    '/api',
    '/apixapi',
  ]) {
    for (const rules of [KEEP, STRIP]) {
      const path = sent(target, { stripPath: 'api' }, rules)
      assert.ok(path.startsWith('/') && !path.startsWith('//'), `${target}: ${path}`)
      assert.ok(!decodeURIComponent(path).split('/').includes('..'), `${target}: ${path}`)
    }
  }
  assert.equal(sent('/api../x', { stripPath: 'api' }), '/x')
})

test('V-050: what is left after strip_path does not grow together with the upstream’s path', () => {
  const cases: [target: string, path: string][] = [
    ['/api', '/base'],
    ['/api/', '/base/'],
    ['/api/x', '/base/x'],
    ['/apix', '/base/x'],
    ['/api../x', '/base/x'],
    ['/api..%2f..%2fx', '/base/x'],
    ['/api..', '/base'],
    ['/a/api../x', '/base/a../x'],
  ]
  for (const [target, path] of cases) {
    for (const basePath of ['/base', '/base/', 'base']) {
      assert.equal(sent(target, { basePath, stripPath: 'api' }, KEEP), path, target)
    }
  }
  assert.equal(
    sent('/x', { basePath: '/v1/api', stripPath: 'api' }),
    '/v1/x',
    'in the upstream’s path, as in Oathkeeper',
  )
})

test('V-050: for random targets what is sent is clean, and stays below the upstream’s path', () => {
  const unit = fc.constantFrom('api', '/', '.', '..', '%2e', '%2F', 'x', '%5c', '%25')
  fc.assert(
    fc.property(
      fc.string({ unit, maxLength: 14 }),
      fc.constantFrom(KEEP, STRIP),
      fc.boolean(),
      (tail, rules, strips) => {
        const path = sent(`/${tail}`, { basePath: '/base', stripPath: strips ? 'api' : '' }, rules)
        const segments = path.split('/')
        assert.ok(!segments.includes('..') && !segments.includes('.') && !path.includes('//'), path)
        assert.equal(segments[1], 'base')
      },
    ),
    { numRuns: 1000 },
  )
})
