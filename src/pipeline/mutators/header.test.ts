import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, createTestRegistry, makeRule } from '../../../test/support/gate.ts'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import { LOGIN_ENTRY, openedSession, sessionReader } from '../../../test/support/sessions.ts'
import type { Decision } from '../../kernel/gate.ts'
import type { HandlerReference } from '../../kernel/rule.ts'

/** Runs the mutators for a session with the claims. */
async function mutate(
  mutators: readonly (string | HandlerReference)[],
  claims: Record<string, unknown> = {},
  request: ViewParts = {},
): Promise<Decision> {
  const deps = { sessions: sessionReader(() => openedSession({ claims })), login: LOGIN_ENTRY }
  const gate = createTestGate({ rules: [{ authenticators: ['session'], mutators }], deps })
  return gate.decide(requestView({ ...request, headers: [['Cookie', 'session=x'], ...(request.headers ?? [])] }))
}

const header = (headers: Record<string, string>): HandlerReference => ({ handler: 'header', config: { headers } })

async function valueOf(template: string, claims: Record<string, unknown> = {}): Promise<string | undefined> {
  const decision = await mutate([header({ 'X-A': template })], claims)
  assert.ok(decision.granted, decision.granted ? '' : decision.error.message)
  return decision.exchange.headers.get('X-A')?.[0]
}

test('Annex B 6: headers are set from templates under their canonical names, and the client’s are gone', async () => {
  const request = requestView({ headers: [['x-user', 'root']] })
  const decision = await createTestGate({
    rules: [{ mutators: [header({ 'x-user': '{{ print .Subject }}', ig_session: 's' })] }],
  }).decide(request)
  assert.ok(decision.granted)
  assert.deepEqual(Object.fromEntries(decision.exchange.headers), { 'X-User': ['anonymous'], Ig_session: ['s'] })
  assert.deepEqual([...request.headers], [])
})

test('Annex B 7: a missing claim is “<no value>”, printed it is empty, and the header is set all the same', async () => {
  assert.equal(await valueOf('{{ .Extra.a }}'), '<no value>')
  assert.equal(await valueOf('{{ print .Extra.a }}'), '')
})

test('Annex B 8: what the pattern captured can be shown', async () => {
  const mutators = [header({ 'X-Groups': '{{ .MatchContext.RegexpCaptureGroups }}' })]
  const gate = createTestGate({ rules: [{ mutators, captureGroups: ['12', 'b', '', 'b'] }] })
  const decision = await gate.decide(requestView())
  assert.ok(decision.granted)
  assert.deepEqual(decision.exchange.headers.get('X-Groups'), ['[12 b  b]'])
})

test('V-056: a client cannot fill in a claim that the person does not have', async () => {
  const request: ViewParts = {
    headers: [
      ['X-Groups', 'admin'],
      ['x_groups', 'admin'],
    ],
  }
  const decision = await mutate([header({ 'X-Groups': '{{ print .Extra.groups }}' })], {}, request)
  assert.ok(decision.granted)
  assert.deepEqual(decision.exchange.headers.get('X-Groups'), [''])
  assert.deepEqual(
    [...decision.exchange.request.headers].map(([name]) => name),
    ['Cookie'],
  )
})

test('a template cannot read the client’s header of the name that it sets', async () => {
  const template = '{{ .MatchContext.Header.Get "X-A" }}{{ .MatchContext.Header.Get "X-B" }}'
  const request: ViewParts = {
    headers: [
      ['X-A', 'a'],
      ['X-B', 'b'],
    ],
  }
  const decision = await mutate([header({ 'X-A': template })], {}, request)
  assert.ok(decision.granted)
  assert.deepEqual(decision.exchange.headers.get('X-A'), ['b'])
})

test('people are Unicode: a value goes out as UTF-8', async () => {
  const value = await valueOf('{{ .Extra.name }}', { name: '名前 é 😀' })
  assert.equal(Buffer.from(value ?? '', 'latin1').toString('utf8'), '名前 é 😀')
  assert.match(value ?? '', /^[\x20-\xff]+$/)
})

test('a later template sees an earlier value as text', async () => {
  const mutators = [header({ 'X-A': '{{ .Extra.name }}' }), header({ 'X-B': '{{ index .Header "X-A" 0 }}' })]
  const decision = await mutate(mutators, { name: '名前' })
  assert.ok(decision.granted)
  const value = decision.exchange.headers.get('X-B')?.[0] ?? ''
  assert.equal(Buffer.from(value, 'latin1').toString('utf8'), '名前')
})

test('F-21 V-090: no claim ends a header or begins another', async () => {
  const claims = { name: 'a\rb\nc\0d\u2028e\u0085f\u001b[31m\tg\u007f' }
  const value = await valueOf('{{ .Extra.name }}', claims)
  assert.equal(value, 'a b c d e f [31m\tg')
  assert.equal(await valueOf('a{{ print "\\r\\n" }}X-Evil: 1'), 'a  X-Evil: 1')
})

test('V-109: no character of a claim becomes a control character when it is cut to a byte', async () => {
  const value = await valueOf('{{ .Extra.name }}', { name: '\u010d\u010aX-Evil: 1' })
  assert.match(value ?? '', /^[\x20-\xff]+$/)
})

test('F-31: a value that no upstream would take is an error here that says which', async () => {
  const decision = await mutate([header({ 'X-Groups': '{{ .Extra.groups }}' })], { groups: 'g'.repeat(60_000) })
  assert.ok(!decision.granted)
  assert.equal(decision.error.code, 'ERR_MUTATED_HEADER_TOO_LARGE')
  assert.equal(decision.error.reason, 'Header "X-Groups" is 60000 bytes long, 8192 are allowed.')
  assert.equal(decision.reply.status, 500)
  const many = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`X-G${i}`, '{{ .Extra.groups }}']))
  const together = await mutate([header(many)], { groups: 'g'.repeat(6000) })
  assert.ok(!together.granted)
  assert.equal(together.error.code, 'ERR_MUTATED_HEADER_TOO_LARGE')
})

test('a template that fails at this request is 500 and names itself', async () => {
  const decision = await mutate([header({ 'X-A': '{{ .Foo }}' })])
  assert.ok(!decision.granted)
  assert.equal(decision.error.code, 'ERR_TEMPLATE_FAILED')
  assert.equal(decision.error.message, 'error executing headers.X-A template "{{ .Foo }}" in rule "rule"')
})

test('a template that does not parse and a name that is none are problems at their place', () => {
  const problemsOf = (headers: Record<string, string>): (readonly [string, string])[] =>
    createTestRegistry()
      .compileRule(makeRule({ mutators: [header(headers)] }))
      .problems.map(({ path, message }) => [path, message] as const)
  assert.deepEqual(
    problemsOf({ 'X-A': '{{ if }}' }).map(([path]) => path),
    ['mutators[0].config.headers.X-A'],
  )
  assert.match(problemsOf({ 'X-A': '{{ nope }}' })[0]?.[1] ?? '', /^the template does not parse: .*nope/)
  assert.deepEqual(problemsOf({ 'X A': 'v' }), [
    ['mutators[0].config.headers.X A', '"X A" is not the name of a header'],
  ])
  for (const name of ['Content-Length', 'transfer-encoding', 'Connection', 'Upgrade']) {
    assert.match(problemsOf({ [name]: '1' })[0]?.[1] ?? '', /belongs to the connection/)
  }
})
