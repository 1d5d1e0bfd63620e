import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../kernel/errors.ts'
import { escapedPath, unescapePath } from '../lib/go-url.ts'
import { readForwardedUri, readTarget, type TargetRules } from './target.ts'

const KEEP: TargetRules = { trailingSlash: 'keep', strictPaths: false }
const STRIP: TargetRules = { trailingSlash: 'strip', strictPaths: false }
const STRICT: TargetRules = { trailingSlash: 'keep', strictPaths: true }

const forwarded = (raw: string, rules = KEEP): string => {
  const { path, rawPath } = readTarget(raw, rules)
  return escapedPath(path, rawPath)
}
const refused = (raw: string, rules = KEEP): void =>
  assert.throws(
    () => readTarget(raw, rules),
    (error) => error instanceof GateError && error.code === 'ERR_REQUEST_MALFORMED',
    raw,
  )

test('a plain target is taken as it is', () => {
  assert.deepEqual(readTarget('/a/b?x=<y>&z=\\', KEEP), {
    path: '/a/b',
    rawPath: '',
    uncleanPath: undefined,
    rawQuery: 'x=<y>&z=\\',
    originalUri: '/a/b?x=<y>&z=\\',
    authority: undefined,
  })
})

test('V-003 V-027 V-052: what is matched is decoded once and cleaned, and so is what is forwarded', () => {
  const cases: [raw: string, path: string, forwarded: string][] = [
    ['/public/../admin/secrets', '/admin/secrets', '/admin/secrets'],
    ['/public/%2e%2e/admin', '/admin', '/admin'],
    ['/public/%2E%2E%2Fadmin', '/admin', '/admin'],
    ['/public/..%2fadmin', '/admin', '/admin'],
    ['/public/.%2e/admin', '/admin', '/admin'],
    ['/public//../admin', '/admin', '/admin'],
    ['//admin', '/admin', '/admin'],
    ['//evil.test/x', '/evil.test/x', '/evil.test/x'],
    ['/public/%252e%252e/admin', '/public/%2e%2e/admin', '/public/%252e%252e/admin'],
    ['/public/..%5cadmin', '/public/..\\admin', '/public/..%5cadmin'],
    ['/public/%c0%ae%c0%ae/admin', '/public/\udcc0\udcae\udcc0\udcae/admin', '/public/%c0%ae%c0%ae/admin'],
    ['/public/..;/admin', '/public/..;/admin', '/public/..;/admin'],
    ['/../..', '/', '/'],
    ['/a/./b/', '/a/b/', '/a/b/'],
    ['/%61dmin', '/admin', '/%61dmin'],
  ]
  for (const [raw, path, sent] of cases) {
    assert.equal(readTarget(raw, KEEP).path, path, raw)
    assert.equal(forwarded(raw), sent, raw)
  }
})

test('V-028: upper and lower case of an encoding give the same path', () => {
  assert.equal(readTarget('/a%2Fb', KEEP).path, readTarget('/a%2fb', KEEP).path)
})

test('V-030: what must stay encoded arrives byte-identical, cleaned or not', () => {
  for (const path of ['/a%252fb', '/a%3fb', '/a%23b', '/a%3Fb', '/a%20b', '/a%25b', '/a%5cb']) {
    assert.equal(forwarded(path), path)
    assert.equal(forwarded(`/x/..${path}`), path)
    assert.equal(forwarded(`/${path}`), path)
    assert.equal(forwarded(`${path}/`, STRIP), path)
  }
})

test('an encoding that Go would not choose is kept unless cleaning changes the path', () => {
  assert.equal(forwarded('/a!b%2Fc'), '/a!b%2Fc')
  assert.equal(forwarded('//a!b%2Fc'), '/a%21b/c')
  assert.equal(forwarded('/a%2F'), '/a%2F')
  assert.equal(forwarded('/a%2F', STRIP), '/a')
})

test('V-117: `..` never escapes, names with dots in them still work', () => {
  assert.equal(readTarget('/..%2f', KEEP).path, '/')
  assert.equal(readTarget('/%2e%2e/', KEEP).path, '/')
  assert.equal(readTarget('/a...b', KEEP).path, '/a...b')
  assert.equal(readTarget('/...', KEEP).path, '/...')
})

test('a trailing slash is kept, or stripped as Oathkeeper 26 does', () => {
  const cases: [raw: string, kept: string, stripped: string][] = [
    ['/', '/', '/'],
    ['/a/', '/a/', '/a'],
    ['/a//', '/a/', '/a'],
    ['/a/.', '/a', '/a'],
    ['/a/b/../', '/a/', '/a'],
    ['/a%2F', '/a/', '/a'],
    ['/./', '/', '/'],
    ['/a/?x', '/a/', '/a'],
  ]
  for (const [raw, kept, stripped] of cases) {
    assert.equal(readTarget(raw, KEEP).path, kept, raw)
    assert.equal(readTarget(raw, STRIP).path, stripped, raw)
  }
})

test('V-018 V-051: a fragment, a backslash, a control character or a broken encoding is refused', () => {
  for (const raw of ['/foo/secret#/bar', '/a?b#c', '/a\\b', '/\\evil', '/a\u0001', '/a b', '/a\u007f', '/a\u0100'])
    refused(raw)
  for (const raw of ['/%zz', '/%', '/a%2', '/%%']) refused(raw)
  for (const raw of ['', 'a', '?a', '*', 'ftp://a/', 'javascript:alert(1)', 'http:/a', 'a.example:80']) refused(raw)
})

test('an absolute target gives its authority and its path', () => {
  assert.deepEqual(readTarget('http://a.test:81/x?y', KEEP), {
    path: '/x',
    rawPath: '',
    uncleanPath: undefined,
    rawQuery: 'y',
    originalUri: '/x?y',
    authority: 'a.test:81',
  })
  assert.equal(readTarget('HTTPS://a.test', KEEP).path, '/')
  assert.equal(readTarget('http://a.test?x=1', KEEP).rawQuery, 'x=1')
  assert.equal(readTarget('http://u@a.test/', KEEP).authority, 'u@a.test')
})

test('strict paths refuse encoded slashes, backslashes, dots and NUL, and dots with a parameter', () => {
  for (const raw of ['/a%2fb', '/a%2Fb', '/a%5cb', '/%2e', '/a%2Eb', '/a%00', '/a/..;/b', '/.;x=1/b', '/..;']) {
    refused(raw, STRICT)
    readTarget(raw, KEEP)
  }
  assert.equal(readTarget('/a%20b?x=%2f', STRICT).path, '/a b')
  assert.equal(readTarget('/a;b/...;/..c;', STRICT).path, '/a;b/...;/..c;')
})

test('V-033: the query of a forwarded URI does not disturb its path', () => {
  const target = readForwardedUri('/a?b=/c%3Fd', KEEP)
  assert.equal(target.path, '/a')
  assert.equal(target.rawQuery, 'b=/c%3Fd')
})

test('V-036: a forwarded URI that is no path is never a match', () => {
  for (const raw of ['/%zz', '/a b', '/a\0'])
    assert.throws(() => readForwardedUri(raw, KEEP), { code: 'ERR_REQUEST_MALFORMED' })
  for (const raw of ['', 'http://app.example/x', 'x', '/a%00'])
    assert.throws(() => readForwardedUri(raw, KEEP), { code: 'ERR_RULE_NOT_FOUND' })
})

test('V-024: for random targets the forwarded path decodes to the path that is matched', () => {
  const unit = fc.constantFrom(
    'a',
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    '%5c',
    '%25',
    '%3f',
    '%00',
    '%c3%a9',
    '%ff',
    '!',
    ';',
    '~',
    "'",
  )
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 20 }), fc.constantFrom(KEEP, STRIP), (tail, rules) => {
      const { path, rawPath } = readTarget(`/${tail}`, rules)
      const sent = escapedPath(path, rawPath)
      assert.equal(unescapePath(sent), path)
      assert.ok(!path.split('/').includes('..') && !path.includes('//'))
      assert.equal(readTarget(sent, rules).path, path, 'the upstream reads the same path')
    }),
    { numRuns: 2000 },
  )
})
