import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate, createTestRegistry, makeRule } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import { LOGIN_ENTRY, openedSession, sessionReader } from '../../../test/support/sessions.ts'
import type { HandlerReference } from '../../kernel/rule.ts'

const cookie = (cookies: Record<string, string>): HandlerReference => ({ handler: 'cookie', config: { cookies } })

async function cookieOf(
  mutators: readonly (string | HandlerReference)[],
  lines: readonly string[] = [],
  authenticators: readonly string[] = ['anonymous'],
): Promise<string | undefined> {
  const deps = { sessions: sessionReader(() => openedSession()), login: LOGIN_ENTRY }
  const gate = createTestGate({ rules: [{ authenticators, mutators }], deps })
  const decision = await gate.decide(requestView({ headers: lines.map((line) => ['Cookie', line] as const) }))
  assert.ok(decision.granted)
  return decision.exchange.headers.get('Cookie')?.[0]
}

test('the rule’s cookies come first and win over the client’s', async () => {
  const mutators = [cookie({ user: '{{ print .Subject }}', b: '2' })]
  assert.equal(await cookieOf(mutators, ['a=1; b=client', 'user=root; c=3']), 'user=anonymous; b=2; a=1; c=3')
  assert.equal(await cookieOf(mutators), 'user=anonymous; b=2')
})

test('values are written as Go writes them', async () => {
  assert.equal(await cookieOf([cookie({ v: 'a b;c,"d"' })]), 'v="a bc,d"')
  assert.equal(await cookieOf([cookie({ v: 'é\\名\r\nx' })]), 'v=x')
  assert.equal(await cookieOf([cookie({ v: '' })], ['q="x"; bad=é; =1; a b=2; n']), 'v=; q="x"; n=')
})

test('the session cookie goes no further', async () => {
  assert.equal(await cookieOf([cookie({ v: '1' })], ['session=ticket; a=1'], ['session']), 'v=1; a=1')
  assert.equal(await cookieOf([cookie({ v: '1' })], ['session=ticket'], ['session']), 'v=1')
})

test('a second cookie mutator starts from the request, unless noop came first', async () => {
  const two = [cookie({ a: '1' }), cookie({ b: '2' })]
  assert.equal(await cookieOf(two, ['c=3']), 'b=2; c=3')
  assert.equal(await cookieOf(['noop', ...two], ['c=3']), 'b=2; a=1; c=3')
})

test('many cookies of the client are no reason to refuse, one huge cookie of ours is', async () => {
  const brought = Array.from({ length: 120 }, (_, i) => `c${i}=${'x'.repeat(90)}`).join('; ')
  assert.ok(((await cookieOf([cookie({ v: '1' })], [brought])) ?? '').length > 10_000)
  await assert.rejects(cookieOf([cookie({ v: 'x'.repeat(9000) })]))
})

test('a name that is none is a problem at its place', () => {
  const { problems } = createTestRegistry().compileRule(makeRule({ mutators: [cookie({ 'a b': '1' })] }))
  assert.deepEqual(
    problems.map(({ path, message }) => [path, message]),
    [['mutators[0].config.cookies.a b', '"a b" is not the name of a cookie']],
  )
})
