import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import type { ErrorCode } from '../../kernel/catalogue.ts'
import { GateError } from '../../kernel/errors.ts'
import { Exchange } from '../../kernel/exchange.ts'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import { compileWhen, whenSchema } from './when.ts'

function holds(when: unknown, code: ErrorCode, request: ViewParts = {}): boolean {
  const exchange = new Exchange(requestView(request), 'rule', [])
  return compileWhen(whenSchema.parse(when))({ error: new GateError(code), exchange })
}

const sent = (value: string): ViewParts => ({ headers: [['Content-Type', value]] })
const accept = (value: string): ViewParts => ({ headers: [['Accept', value]] })

test('no condition matches everything', () => {
  assert.equal(holds(undefined, 'ERR_INTERNAL'), true)
  assert.equal(holds([], 'ERR_INTERNAL'), true)
  assert.equal(holds([{}], 'ERR_INTERNAL'), true)
})

test('one entry is enough, and all that an entry says must hold', () => {
  const when = [{ error: ['forbidden'] }, { error: ['unauthorized'], request: { header: { accept: ['text/html'] } } }]
  assert.equal(holds(when, 'ERR_ACCESS_FORBIDDEN'), true)
  assert.equal(holds(when, 'ERR_CREDENTIALS_INVALID'), false)
  assert.equal(holds(when, 'ERR_CREDENTIALS_INVALID', accept('text/html')), true)
  assert.equal(holds(when, 'ERR_RULE_NOT_FOUND', accept('text/html')), false)
})

test('an error has the name of its status', () => {
  const kinds: [ErrorCode, string][] = [
    ['ERR_CREDENTIALS_INVALID', 'unauthorized'],
    ['ERR_ACCESS_FORBIDDEN', 'forbidden'],
    ['ERR_RULE_NOT_FOUND', 'not_found'],
    ['ERR_INTERNAL', 'internal_server_error'],
    ['ERR_RATE_LIMITED', 'internal_server_error'],
  ]
  for (const [code, kind] of kinds) assert.equal(holds([{ error: [kind] }], code), true, code)
  const all = ['unauthorized', 'forbidden', 'not_found', 'internal_server_error']
  for (const code of ['ERR_UPSTREAM_UNAVAILABLE', 'ERR_UPSTREAM_TIMEOUT', 'ERR_SESSION_STORE_UNAVAILABLE'] as const) {
    assert.equal(holds([{ error: all }], code), false, code)
  }
})

test('a wildcard of the list covers, a wildcard of the client only matches its twin', () => {
  const listed = (types: string[], value: string): boolean =>
    holds([{ request: { header: { accept: types } } }], 'ERR_INTERNAL', accept(value))
  assert.equal(listed(['application/json'], '*/*'), false)
  assert.equal(listed(['text/*'], 'text/html'), true)
  assert.equal(listed(['text/*'], 'text/*'), true)
  assert.equal(listed(['text/html'], 'text/*'), false)
  assert.equal(listed(['*/*'], 'anything/else'), true)
  assert.equal(listed(['text/html'], 'TEXT/HTML'), false)
  assert.equal(listed(['text/html'], 'application/json;q=0.1, text/html;q=0'), true)
  assert.equal(listed(['image/webp'], 'text/html,x/y;v=b3;q=0.9,image/webp'), false)
})

test('a missing header counts as application/octet-stream', () => {
  const octets = { header: { accept: ['application/octet-stream'] } }
  assert.equal(holds([{ request: octets }], 'ERR_INTERNAL'), true)
  assert.equal(holds([{ request: octets }], 'ERR_INTERNAL', accept('')), true)
  const body = { header: { content_type: ['application/octet-stream'] } }
  assert.equal(holds([{ request: body }], 'ERR_INTERNAL'), true)
})

test('a content type is compared without its parameters', () => {
  const form = [{ request: { header: { content_type: ['application/x-www-form-urlencoded'] } } }]
  assert.equal(holds(form, 'ERR_INTERNAL', sent('application/x-www-form-urlencoded; charset=utf-8')), true)
  assert.equal(holds(form, 'ERR_INTERNAL', sent('application/json')), false)
})

test('G-03: a forwarded address counts for `cidr` and `remote_ip` only as far as a trusted proxy names it', () => {
  const direct = { peerAddress: '10.0.0.5', clientAddress: '10.0.0.5' }
  const behindTrusted = { peerAddress: '192.0.2.1', clientAddress: '10.0.0.5' }
  const spoofed: ViewParts = {
    peerAddress: '192.0.2.1',
    clientAddress: '192.0.2.1',
    headers: [['X-Forwarded-For', '10.0.0.5']],
  }
  const cidr = [{ request: { cidr: ['10.0.0.0/8'] } }]
  const peer = [{ request: { remote_ip: { match: ['10.0.0.0/8'] } } }]
  const forwarded = [{ request: { remote_ip: { match: ['10.0.0.0/8'], respect_forwarded_for_header: true } } }]
  assert.deepEqual(
    [cidr, peer, forwarded].map((when) =>
      [direct, behindTrusted, spoofed].map((request) => holds(when, 'ERR_INTERNAL', request)),
    ),
    [
      [true, true, false],
      [true, false, false],
      [true, true, false],
    ],
  )
})

test('a network that is none is refused at load, with its place', () => {
  const when = whenSchema.parse([{}, { request: { cidr: ['10.0.0.0/8', '10.0.0.0/99'] } }])
  assert.throws(
    () => compileWhen(when),
    (error) => {
      assert.ok(error instanceof HandlerConfigError)
      assert.deepEqual(error.path, ['when', 1, 'request', 'cidr', 1])
      return true
    },
  )
})

test('an unknown kind of error or key is refused', () => {
  assert.equal(whenSchema.safeParse([{ error: ['teapot'] }]).success, false)
  assert.equal(whenSchema.safeParse([{ request: { ip: [] } }]).success, false)
})
