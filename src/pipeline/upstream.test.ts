import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UpstreamTarget } from '../kernel/gate.ts'
import { compileUpstream } from './upstream.ts'

const compile = (url: string, stripPath = ''): UpstreamTarget | undefined =>
  compileUpstream({ url, preserveHost: false, stripPath })

test('an upstream is its origin, its host as written and its decoded path', () => {
  assert.deepEqual(compile('https://Upstream.example/b%20ase/?q=1#f', '/api/v1/'), {
    origin: 'https://upstream.example:443',
    host: 'Upstream.example',
    basePath: '/b ase/',
    preserveHost: false,
    stripPath: 'api/v1',
  })
  assert.equal(compile('http://user:secret@[::1]:8080')?.origin, 'http://[::1]:8080')
  assert.equal(compile('http://user:secret@[::1]:8080')?.host, '[::1]:8080')
  assert.equal(compile('http://a:80')?.origin, 'http://a:80')
})

test('no URL, a bare path and a foreign scheme forward to nowhere', () => {
  for (const url of ['', '/x', 'ftp://a/', 'mailto:x']) assert.equal(compile(url), undefined, url)
})

test('what is no URL is refused in Go’s words', () => {
  for (const url of ['upstream', 'http://', 'http://a b/', 'http://a:99999/', 'http://a/%zz', 'http://a\\b']) {
    assert.throws(() => compile(url), /^Error: parse ".*": invalid URI for request$/, url)
  }
})
