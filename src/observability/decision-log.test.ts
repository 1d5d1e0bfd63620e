import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, type TestRule } from '../../test/support/gate.ts'
import { requestView, type ViewParts } from '../../test/support/request-view.ts'
import { LOGIN_ENTRY, openedSession, sessionReader } from '../../test/support/sessions.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { createDecisionLog } from './decision-log.ts'
import { createLog, type LogLevel } from './log.ts'

/** What the log says of one decision. */
async function entriesOf(
  rule: TestRule,
  request: ViewParts,
  level: LogLevel = 'info',
): Promise<Record<string, unknown>[]> {
  let text = ''
  const clock = createTestClock()
  const log = createLog({
    level,
    format: 'json',
    source: { serviceName: 's', serviceVersion: 'v' },
    clock,
    sink: { write: (more) => (text += more), flushSync() {} },
  })
  const deps = { sessions: sessionReader(() => openedSession()), login: LOGIN_ENTRY }
  const gate = createTestGate({ rules: [rule], deps, onDecision: createDecisionLog(log) })
  await gate.decide(requestView(request))
  clock.advance(100)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { time, took_ms, service_name, service_version, audience, ...rest } = JSON.parse(line)
      assert.ok(time && typeof took_ms === 'number' && service_name && service_version && audience)
      return rest
    })
}

const SECRETIVE: ViewParts = {
  front: 'decision',
  rawQuery: 'token=s3cret',
  originalUri: '/?token=s3cret',
  headers: [
    ['Authorization', 'Bearer s3cret'],
    ['Cookie', 'session=s3cret'],
  ],
}

test('H-11: a granted request is one line that says who, by which rule, to what', async () => {
  assert.deepEqual(await entriesOf({ authenticators: ['session'] }, SECRETIVE), [
    {
      level: 'info',
      msg: 'Access request granted',
      granted: true,
      rule_id: 'rule',
      subject: 'alice',
      session_id: 'public-id',
      http_method: 'GET',
      http_host: 'app.example',
      http_path: '/',
      status: 200,
      remote: '192.0.2.7',
      request_id: 'request-1',
    },
  ])
})

test('H-11: a refused request says where and why', async () => {
  assert.deepEqual(await entriesOf({ authenticators: ['session'], authorizer: 'deny' }, SECRETIVE), [
    {
      level: 'info',
      msg: 'Access request denied',
      granted: false,
      rule_id: 'rule',
      subject: 'alice',
      session_id: 'public-id',
      reason_id: 'authorization_handler_error',
      authorization_handler: 'deny',
      error_code: 'ERR_ACCESS_FORBIDDEN',
      error: 'Access credentials are not sufficient to access this resource',
      http_method: 'GET',
      http_host: 'app.example',
      http_path: '/',
      status: 403,
      remote: '192.0.2.7',
      request_id: 'request-1',
    },
  ])
})

test('a request without a rule, and a mistake of ours', async () => {
  const [none] = await entriesOf({}, { path: '/none' })
  assert.equal(none?.['error_code'], 'ERR_RULE_NOT_FOUND')
  assert.equal(none?.['rule_id'], '')
  assert.ok(!('reason_id' in (none ?? {})))
  const [broken] = await entriesOf({ mutators: ['nope'] }, {})
  assert.equal(broken?.['level'], 'error')
  assert.equal(broken?.['reason_id'], 'unknown_mutation_handler')
})

test('H-10: neither credentials nor a query are in the line, and a hostile path stays on it', async () => {
  const path = '/\r\n\u001b[31mforged'
  const entries = await entriesOf(
    { authenticators: ['session'], url: `http://app.example${path}` },
    { ...SECRETIVE, path },
  )
  assert.equal(entries.length, 1)
  assert.ok(!JSON.stringify(entries).includes('s3cret'))
  assert.equal(entries[0]?.['http_path'], path)
})

test('above info only what is our fault is written', async () => {
  assert.deepEqual(await entriesOf({}, {}, 'warn'), [])
  assert.deepEqual(await entriesOf({ authorizer: 'deny' }, {}, 'warn'), [])
  assert.equal((await entriesOf({ mutators: ['nope'] }, {}, 'warn')).length, 1)
})
