import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCredentials } from './credentials-output.ts'

const NOW = Date.UTC(2026, 0, 1)

function read(output: string, username?: string): unknown {
  const printed = readCredentials(output, username, NOW)
  if (printed === undefined) return undefined
  const { credentials, expiresAt } = printed
  return [credentials.username, credentials.password?.reveal(), expiresAt === undefined ? undefined : expiresAt - NOW]
}

test('user and password on a line each, or the password alone', () => {
  assert.deepEqual(read('alice\npass word\n'), ['alice', 'pass word', undefined])
  assert.deepEqual(read('alice\r\npass\r\n', 'bob'), ['alice', 'pass', undefined])
  assert.deepEqual(read('pass'), [undefined, 'pass', undefined])
  assert.deepEqual(read('pass\n', 'bob'), ['bob', 'pass', undefined])
  assert.deepEqual(read('alice pass\n'), ['alice', 'pass', undefined])
  assert.deepEqual(read('alice pass\n', 'bob'), ['bob', 'alice pass', undefined])
})

test('JSON with the end as a date, in seconds since the epoch, or from now', () => {
  const both = '"username":"alice","password":"pass"'
  assert.deepEqual(read(`{${both}}`), ['alice', 'pass', undefined])
  assert.deepEqual(read('{"user":"alice","password":"pass"}'), ['alice', 'pass', undefined])
  assert.deepEqual(read(`{${both},"expires_at":"2026-01-01T00:15:00Z"}`), ['alice', 'pass', 900_000])
  assert.deepEqual(read(`{${both},"expires_at":${NOW / 1000 + 60}}`), ['alice', 'pass', 60_000])
  assert.deepEqual(read(`{${both},"expires_in":900}`), ['alice', 'pass', 900_000])
})

test('what the metadata services of clouds answer', () => {
  assert.deepEqual(read('{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}'), [
    undefined,
    'ya29.x',
    3_599_000,
  ])
  const azure = { access_token: 'eyJ', expires_in: '3599', expires_on: String(NOW / 1000 + 3599), resource: 'x' }
  assert.deepEqual(read(JSON.stringify(azure), 'object-id'), ['object-id', 'eyJ', 3_599_000])
})

test('anything else is nothing', () => {
  for (const output of [
    '',
    '\n\n',
    'alice\n\npass',
    'a\nb\nc',
    '{}',
    '{"username":"alice"}',
    '{"username":7,"password":"pass"}',
    '{"username":"","password":"pass"}',
    '{"password":["pass"]}',
    '{"password":"a\\nb"}',
    '{"password":"pass","expires_at":"soon"}',
    '{"password":"pass","expires_in":"15m"}',
    '{"password":"pass"',
    'pass\u0000word',
  ]) {
    assert.equal(read(output), undefined, JSON.stringify(output))
  }
})
