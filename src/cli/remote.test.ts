import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { startApi, type TestApiOptions } from '../../test/support/api.ts'
import { createTestGate } from '../../test/support/gate.ts'
import type { Rule } from '../kernel/rule.ts'
import { runProgram } from './program.ts'

const RULES: Rule[] = ['one', 'two', 'three'].map((id) => ({
  id,
  version: '',
  description: id === 'two' ? 'second' : '',
  match: { kind: 'http', methods: ['GET', 'POST'], url: `http://a.example/${id}/<.*>` },
  authenticators: [
    { handler: 'anonymous', config: { subject: '' } },
    { handler: 'noop', config: undefined },
  ],
  authorizer: { handler: 'allow', config: undefined },
  mutators: [{ handler: 'noop', config: undefined }],
  errors: [],
  upstream: { url: id === 'three' ? '' : 'http://b.example', preserveHost: false, stripPath: '' },
}))

/** A command line in front of a real API. */
async function cli(t: TestContext, admin: TestApiOptions['admin'] = { rules: () => RULES }) {
  const { port } = await startApi(t, { gate: createTestGate({ rules: [] }), admin })
  return { endpoint: `http://127.0.0.1:${port}`, run }
}

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(...argv: string[]): Promise<Said> {
  const said = { out: '', err: '' }
  const code = await runProgram(argv, {
    env: {},
    loadApplication: () => Promise.reject(new Error('these commands need no application')),
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    exit: () => assert.fail('these commands do not end the process'),
    onSignal: () => () => undefined,
  })
  return { code, ...said }
}

test('rules list prints JSON as Oathkeeper does: tabs, members in order, nothing that is not set', async (t) => {
  const { endpoint } = await cli(t)
  const { code, out, err } = await run('rules', 'list', '-e', endpoint, '--limit', '1', '--page', '2')
  assert.deepEqual([code, err], [0, ''])
  const rule = {
    authenticators: [{ config: { subject: '' }, handler: 'anonymous' }, { handler: 'noop' }],
    authorizer: { handler: 'allow' },
    description: 'second',
    id: 'two',
    match: { methods: ['GET', 'POST'], url: 'http://a.example/two/<.*>' },
    mutators: [{ handler: 'noop' }],
    upstream: { url: 'http://b.example' },
  }
  assert.equal(out, `${JSON.stringify([rule], undefined, '\t')}\n`)
})

test('rules list shows 20 rules of the first page, or as many as are asked for', async (t) => {
  const many = Array.from({ length: 45 }, (_, i) => ({ ...(RULES[0] as Rule), id: `r${i}` }))
  const { endpoint } = await cli(t, { rules: () => many })
  const ids = async (...more: string[]): Promise<string[]> => {
    const { out } = await run('rules', 'list', '-e', endpoint, ...more)
    return (JSON.parse(out) as { id: string }[]).map(({ id }) => id)
  }
  assert.deepEqual([(await ids()).length, (await ids('--limit', '500')).length], [20, 45])
  assert.deepEqual(await ids('--page', '3'), ['r40', 'r41', 'r42', 'r43', 'r44'])
  assert.deepEqual(await ids('--page', '9'), [])
})

test('a table for people, YAML for both', async (t) => {
  const { endpoint } = await cli(t)
  const table = await run('rules', '-e', endpoint, 'list', '--format', 'table', '--limit', '2')
  assert.deepEqual(table.out.split('\n'), [
    'ID   METHODS   URL                        AUTHENTICATORS  AUTHORIZER  MUTATORS  UPSTREAM',
    'one  GET,POST  http://a.example/one/<.*>  anonymous,noop  allow       noop      http://b.example',
    'two  GET,POST  http://a.example/two/<.*>  anonymous,noop  allow       noop      http://b.example',
    '',
  ])
  const yaml = await run('rules', 'get', 'three', '-e', `${endpoint}/`, '--format', 'yaml')
  assert.match(yaml.out, /^id: three\nmatch:\n {2}methods:\n {4}- GET\n/m)
})

test('rules get says so when there is no such rule', async (t) => {
  const { endpoint } = await cli(t)
  const { code, out } = await run('rules', 'get', 'one', '-e', endpoint)
  assert.deepEqual([code, (JSON.parse(out) as { id: string }).id], [0, 'one'])
  assert.deepEqual(await run('rules', 'get', 'no/such', '-e', endpoint), {
    code: 1,
    out: '',
    err: 'oathkeeper: there is no rule "no/such", or it has a mistake\n',
  })
})

test('health is 0 and ok, or 1 and why not', async (t) => {
  const { endpoint } = await cli(t, {
    rules: () => [],
    health: { countRules: () => 0, pendingSources: () => [], store: undefined },
  })
  assert.deepEqual(await run('health', 'alive', '-e', endpoint), { code: 0, out: '{\n\t"status": "ok"\n}\n', err: '' })
  assert.deepEqual(await run('health', 'ready', '--endpoint', endpoint), {
    code: 1,
    out: '',
    err: `oathkeeper: ${endpoint}/health/ready answered 503: no valid access rule is loaded\n`,
  })
})

test('what cannot be asked is 1, with the reason and without the query', async (t) => {
  const server = createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const html = await run('rules', 'list', '-e', url)
  assert.deepEqual([html.code, html.out], [1, ''])
  assert.match(html.err, /did not answer with JSON\n$/)
  server.close()
  server.closeAllConnections()
  assert.deepEqual(await run('health', 'alive', '-e', url), {
    code: 1,
    out: '',
    err: `oathkeeper: ${url}/health/alive could not be asked (ECONNREFUSED)\n`,
  })
})

test('what the API says sends nothing to the terminal', async (t) => {
  const { endpoint } = await cli(t, { rules: () => [{ ...(RULES[0] as Rule), id: 'a\u001b[31m\u009b1m\nb' }] })
  for (const format of ['json', 'yaml', 'table']) {
    const { out } = await run('rules', 'list', '-e', endpoint, '--format', format)
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(out, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/, format)
  }
})

test('wrong usage is 2 and asks nobody', async () => {
  for (const argv of [
    ['rules', 'list'],
    ['rules', 'get', '-e', 'http://127.0.0.1:1'],
    ['rules', 'get', 'a', 'b', '-e', 'http://127.0.0.1:1'],
    ['rules', 'list', '-e', '127.0.0.1:4456'],
    ['rules', 'list', '-e', 'http://127.0.0.1:1', '--limit', '0'],
    ['rules', 'list', '-e', 'http://127.0.0.1:1', '--page', 'x'],
    ['rules', 'list', '-e', 'http://127.0.0.1:1', '--format', 'xml'],
    ['health', 'dead', '-e', 'http://127.0.0.1:1'],
  ]) {
    assert.deepEqual([(await run(...argv)).code, argv], [2, argv])
  }
  assert.match((await run('rules', 'lsit')).err, /unknown command 'lsit'\n\(Did you mean list\?\)/)
})

test('a group alone says what is in it', async () => {
  for (const group of ['rules', 'health', 'credentials']) {
    const { code, out } = await run(group)
    assert.equal(code, 0)
    assert.match(out, /Commands:\n/)
  }
})
