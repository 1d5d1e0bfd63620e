import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadTls } from './tls.ts'

const CERT = `${import.meta.dirname}/../../test/fixtures/tls/cert.pem`
const KEY = `${import.meta.dirname}/../../test/fixtures/tls/key.pem`
const base64 = (path: string): string => readFileSync(path).toString('base64')

test('certificate and key come from files or from base64, which wins', () => {
  assert.equal(loadTls(undefined, undefined), undefined)
  assert.equal(loadTls({ path: '' }, {}), undefined)
  assert.deepEqual(loadTls({ path: CERT }, { path: KEY })?.cert, readFileSync(CERT))
  assert.deepEqual(loadTls({ base64: base64(CERT), path: '/nowhere' }, { path: KEY })?.cert, readFileSync(CERT))
})

test('what is missing, unreadable or no pair is told without its content', () => {
  const cases: [Parameters<typeof loadTls>, RegExp][] = [
    [[{ path: CERT }, undefined], /certificate is configured without a key/],
    [[undefined, { path: KEY }], /key is configured without a certificate/],
    [[{ path: '/nowhere/cert.pem' }, { path: KEY }], /certificate "\/nowhere\/cert\.pem" cannot be read/],
    [[{ path: CERT }, { base64: 'not base64!' }], /key is not base64/],
    [[{ path: CERT }, { base64: Buffer.from('secret').toString('base64') }], /not a pair in PEM format$/],
  ]
  for (const [given, message] of cases) assert.throws(() => loadTls(...given), message)
})
