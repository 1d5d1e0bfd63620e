import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, TEST_DEPS } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { reply, type Service, startService } from '../../../test/support/service.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import type { Decision } from '../../kernel/gate.ts'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import { ketoEngineAcpOry } from './keto-engine-acp-ory.ts'

const SETTINGS = { authorizers: { keto_engine_acp_ory: { enabled: true } } }
const ALLOWED = reply(200, {}, { allowed: true })

async function decide(service: Service, config: Record<string, unknown> = {}): Promise<Decision> {
  const authorizer = {
    handler: 'keto_engine_acp_ory',
    config: { base_url: service.origin, required_action: 'a', required_resource: 'r', ...config },
  }
  const clock = createTestClock(Date.UTC(2026, 10, 24, 7, 8, 9, 120))
  const deps = { outbound: service.outbound, clock }
  return createTestGate({ rules: [{ authorizer, captureGroups: ['g'] }], deps, settings: SETTINGS }).decide(
    requestView(),
  )
}

test('Keto is asked in its words', async (t) => {
  const service = await startService(t, ALLOWED)
  const templates = {
    required_action: 'act:{{ printIndex .MatchContext.RegexpCaptureGroups 0 }}',
    required_resource: 'res:$1',
    subject: '<{{ print .Subject }}>',
  }
  assert.ok((await decide(service, templates)).granted)
  const { method, url, headers, body } = service.calls[0] ?? assert.fail()
  assert.deepEqual(
    [method, url, headers['content-type']],
    ['POST', '/engines/acp/ory/regex/allowed', 'application/json'],
  )
  assert.equal(
    body,
    '{"action":"act:g","context":{"remoteIpAddress":"192.0.2.7","requestedAt":"2026-11-24T07:08:09.12Z"},' +
      '"resource":"res:$1","subject":"\\u003canonymous\\u003e"}\n',
  )
})

test('what is left empty has its default', async (t) => {
  const service = await startService(t, ALLOWED)
  const empty = { required_action: '', required_resource: '', subject: '', flavor: '' }
  assert.ok((await decide(service, empty)).granted)
  const { url, body } = service.calls[0] ?? assert.fail()
  assert.equal(url, '/engines/acp/ory/regex/allowed')
  const { action, resource, subject } = JSON.parse(body) as Record<string, unknown>
  assert.deepEqual([action, resource, subject], ['unset', 'unset', 'anonymous'])
})

const urls: [string, string, string][] = [
  ['/', 'regex', '/engines/acp/ory/regex/allowed'],
  ['/base/', 'exact', '/base/engines/acp/ory/exact/allowed'],
  ['/a/../b?c=d', 'glob', '/b/engines/acp/ory/glob/allowed?c=d'],
  ['', 'a b', '/engines/acp/ory/a%20b/allowed'],
]

for (const [path, flavor, expected] of urls) {
  test(`the question for base_url …${path} and flavor ${flavor} goes to ${expected}`, async (t) => {
    const service = await startService(t, ALLOWED)
    assert.ok((await decide(service, { base_url: service.origin + path, flavor })).granted)
    assert.equal(service.calls[0]?.url, expected)
  })
}

const answers: [string, number, unknown, string | undefined][] = [
  ['allowed', 200, { allowed: true }, undefined],
  ['allowed in another case', 200, { Allowed: true }, undefined],
  ['not allowed', 200, { allowed: false }, 'ERR_ACCESS_FORBIDDEN'],
  ['nothing of it', 200, {}, 'ERR_ACCESS_FORBIDDEN'],
  ['null', 200, 'null', 'ERR_ACCESS_FORBIDDEN'],
  ['a text instead', 200, { allowed: 'true' }, 'ERR_AUTHORIZER_FAILED'],
  ['a list', 200, [true], 'ERR_AUTHORIZER_FAILED'],
  ['no JSON', 200, 'yes', 'ERR_AUTHORIZER_FAILED'],
  ['nothing', 200, '', 'ERR_AUTHORIZER_FAILED'],
  ['403', 403, { allowed: true }, 'ERR_ACCESS_FORBIDDEN'],
  ['429', 429, '', 'ERR_RATE_LIMITED'],
  ['201 allowed', 201, { allowed: true }, 'ERR_AUTHORIZER_FAILED'],
  ['401', 401, '', 'ERR_AUTHORIZER_FAILED'],
  ['a redirect', 302, { allowed: true }, 'ERR_AUTHORIZER_FAILED'],
]

for (const [what, status, body, code] of answers) {
  test(`Keto says ${what}: ${code ?? 'allowed'}`, async (t) => {
    const decision = await decide(await startService(t, reply(status, { 'retry-after': '60' }, body)))
    assert.equal(decision.granted ? undefined : decision.error.code, code)
  })
}

test('a template that fails at this request is 500, and Keto is not asked', async (t) => {
  const service = await startService(t, ALLOWED)
  for (const key of ['required_action', 'required_resource', 'subject']) {
    const decision = await decide(service, { [key]: '{{ .Nope }}' })
    assert.ok(!decision.granted)
    assert.deepEqual([decision.error.code, decision.error.status], ['ERR_TEMPLATE_FAILED', 500])
  }
  assert.equal(service.calls.length, 0)
})

test('with globs there are no groups to speak of: that is a mistake of the configuration', () => {
  const config = { base_url: 'http://h/', required_action: 'a', required_resource: 'r', subject: '', flavor: '' }
  assert.throws(() => ketoEngineAcpOry.compile(config, TEST_DEPS, { matchingStrategy: 'glob' }), HandlerConfigError)
})
