import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../kernel/problem.ts'
import { Budget } from './patterns/budget.ts'
import { readSource } from './read-source.ts'

async function read(text: string, strategy: 'regexp' | 'glob' = 'regexp') {
  const content = await readSource('rules.yaml', Buffer.from(text), strategy)
  return 'rules' in content ? content.rules.map(({ rule }) => rule.id) : content.problems.map(formatProblem)
}

const GOOD = '{"id":"a","match":{"url":"http://h/<[0-9]+>","methods":["GET"]}}'

test('JSON and YAML are told apart by what they hold', async () => {
  assert.deepEqual(await read(`[${GOOD}]`), ['a'])
  assert.deepEqual(await read('- id: b\n  match: { url: "http://h/", methods: [GET] }\n'), ['b'])
  assert.deepEqual(await read('[{id: c, match: {url: "http://h/", methods: [GET]}}]'), ['c'])
  assert.deepEqual(await read(`\uFEFF[${GOOD}]`), ['a'])
})

test('an empty source has no rules', async () => {
  for (const text of ['', '\n', '# nothing yet\n', '[]', 'null']) assert.deepEqual(await read(text), [])
})

test('one mistake and none of the rules is taken; all mistakes are told, with file, line, rule and field', async () => {
  const text = [
    '- id: good',
    '  match: { url: "http://h/<.*>", methods: [GET] }',
    '- id: number',
    '  match:',
    '    url: 7',
    '- id: pattern',
    '  match:',
    '    url: "http://h/<[>"',
    '    methods: [GET]',
  ].join('\n')
  assert.deepEqual(await read(text), [
    'rules.yaml:5: rule "number": [1].match.url: must be a text, found a number',
    'rules.yaml:8: rule "pattern": [2].match.url: does not compile: unterminated [] set in the regular expression "^[$"',
  ])
})

test('the pattern of an RPC method is compiled with its authority', async () => {
  const content = await readSource(
    'r',
    Buffer.from('[{"id":"x","match":{"authority":"<a|b>","full_method":"S/<.*>"}}]'),
    'regexp',
  )
  assert.ok('rules' in content)
  assert.deepEqual(content.rules[0]?.pattern?.match('rpc://b/S/M', new Budget()), ['b', 'M'])
  assert.deepEqual(await read('[{"id":"x","match":{"authority":"h","full_method":"<[>"}}]'), [
    'rules.yaml:1: rule "x": [0].match.full_method: does not compile: unterminated [] set in the regular expression "^[$"',
  ])
})

test('what compiles depends on the strategy', async () => {
  const text = '[{"id":"x","match":{"url":"http://h/<{a,b}*[!c]>","methods":["GET"]}}]'
  assert.deepEqual(await read(text, 'glob'), ['x'])
  assert.match(String(await read('[{"id":"x","match":{"url":"http://h/<[a>"}}]', 'glob')), /"\[" is never closed/)
})

test('a document that does not parse is told with its line and without what it holds', async () => {
  for (const text of ['[\n{"id": "s3cret",\n]', '- id: "s3cret\n', '[{', '- a\n b: s3cret: x\n']) {
    const told = String(await read(text))
    assert.match(told, /^rules\.yaml:\d+: is not valid (JSON|YAML)/)
    assert.doesNotMatch(told, /s3cret/)
  }
})
