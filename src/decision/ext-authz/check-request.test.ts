import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeCheck } from '../../../test/support/ext-authz.ts'
import { ProtobufError } from '../../lib/protobuf.ts'
import { readCheckRequest } from './check-request.ts'

interface Fixture {
  readonly name: string
  readonly octets: string
}

const FIXTURES: { readonly requests: readonly Fixture[] } = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../../test/fixtures/ext-authz/messages.json'), 'utf8'),
)

function fixture(name: string): Buffer {
  const found = FIXTURES.requests.find((request) => request.name === name)
  assert.ok(found, name)
  return Buffer.from(found.octets, 'base64')
}

const wire = (text: string): string => Buffer.from(text).toString('latin1')

test('a request as Envoy tells it is read, whatever else it says', () => {
  const request = readCheckRequest(fixture('everything that Envoy can say'))
  const headers = Object.fromEntries(
    Array.from({ length: request.headers.length / 2 }, (_, i) => request.headers.slice(2 * i, 2 * i + 2)),
  )
  assert.deepEqual(
    { ...request, headers, body: request.body.toString() },
    {
      method: 'POST',
      path: '/a%20b/c?q=1&r=%2F',
      host: 'app.example:8443',
      scheme: 'https',
      headers: {
        cookie: 'a=1; b=2',
        'x-empty': '',
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-proto': 'https',
        'x-name': wire('名'),
      },
      body: 'helloé',
      clientAddress: '203.0.113.9',
    },
  )
})

test('raw headers keep their order, their number and their octets', () => {
  const request = readCheckRequest(fixture('raw headers and a raw body'))
  assert.deepEqual(request.headers, ['cookie', 'a=1', 'cookie', 'b=2', 'x-octets', 'a\xffb', 'x-empty', ''])
  assert.deepEqual(request.body, Buffer.from([0, 1, 0xfe, 0xff]))
  assert.equal(request.clientAddress, '2001:db8::7')
})

test('a client without an address has none', () => {
  assert.equal(readCheckRequest(fixture('a client on a pipe')).clientAddress, '')
})

test('a check about a connection is none about a request', () => {
  assert.throws(() => readCheckRequest(fixture('a connection')), ProtobufError)
  assert.throws(() => readCheckRequest(Buffer.alloc(0)), ProtobufError)
})

test('a request with more headers than any gateway lets through is not read', () => {
  const headers = Array.from({ length: 1_000 }, (_, i) => [`h${i}`, 'x'] as const)
  assert.equal(readCheckRequest(encodeCheck({ headers })).headers.length, 2_000)
  assert.throws(() => readCheckRequest(encodeCheck({ headers: [...headers, ['h', 'x']] })), ProtobufError)
})

test('a message cut off or changed anywhere is an error or another request, never a crash', () => {
  const whole = fixture('everything that Envoy can say')
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => readCheckRequest(whole.subarray(0, length)), ProtobufError)
  }
  fc.assert(
    fc.property(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), (at, octet) => {
      const changed = Buffer.from(whole)
      changed[at] = octet
      try {
        assert.ok(readCheckRequest(changed).headers.length <= 2 * whole.length)
      } catch (cause) {
        assert.ok(cause instanceof ProtobufError)
      }
    }),
    { numRuns: 2_000 },
  )
})
