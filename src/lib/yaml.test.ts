import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DocumentError } from './document.ts'
import { parseYaml, yamlLines } from './yaml.ts'

test('merge keys are merged', () => {
  assert.deepEqual(parseYaml('a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n'), { a: { b: 1 }, c: { b: 1, d: 2 } })
})

test('a document without content is undefined', () => {
  for (const text of ['', '\n', '# only a comment\n', '---\n', '\uFEFF', '--- # start\n# more\n']) {
    assert.equal(parseYaml(text), undefined, JSON.stringify(text))
    assert.deepEqual([...yamlLines(text)], [])
  }
})

test('a bracket that closes in the column of its key is read as Go reads it', () => {
  const text = 'a:\n  list: [\n    one,\n    two\n  ]\n  map: {\n    "x": 1\n  }\nlast: [\n]\nend: 1\n'
  assert.deepEqual(parseYaml(text), { a: { list: ['one', 'two'], map: { x: 1 } }, last: [], end: 1 })
  assert.equal(yamlLines(text).get('end'), 11)
})

test('words of YAML 1.1 are text', () => {
  assert.deepEqual(parseYaml('a: yes\nb: on\nc: 12:30\nd: 2001-01-01\n'), {
    a: 'yes',
    b: 'on',
    c: '12:30',
    d: '2001-01-01',
  })
})

test('the line of every key and item is known', () => {
  const text = [
    '# head',
    'serve:',
    '  proxy: { port: 1,',
    '    host: x }',
    'rules:',
    '  - id: a',
    '    tags:',
    '    - one',
    '    - "two"',
    '  -',
    '    id: b',
    '"x.y": 1',
    'base: &base',
    '  k: 1',
    'use:',
    '  <<: *base',
    '  own: 2',
    '  ref: *base',
    'after: 1',
  ].join('\r\n')
  const lines = Object.fromEntries(yamlLines(text))
  assert.deepEqual(
    {
      'serve.proxy.port': lines['serve.proxy.port'],
      'serve.proxy.host': lines['serve.proxy.host'],
      'rules[0].id': lines['rules[0].id'],
      'rules[0].tags[1]': lines['rules[0].tags[1]'],
      'rules[1].id': lines['rules[1].id'],
      '["x.y"]': lines['["x.y"]'],
      'use.own': lines['use.own'],
      'use.ref': lines['use.ref'],
      after: lines['after'],
    },
    {
      'serve.proxy.port': 3,
      'serve.proxy.host': 4,
      'rules[0].id': 6,
      'rules[0].tags[1]': 9,
      'rules[1].id': 11,
      '["x.y"]': 12,
      'use.own': 17,
      'use.ref': 18,
      after: 19,
    },
  )
})

test('a mistake is told with its line and without what the text holds', () => {
  const mistakes: Record<string, number | undefined> = {
    'a: 1\nb: hunter2: 3\n': 2,
    'a: 1\npassword: *hunter2\n': 2,
    'a: "hunter2\n': 2,
    'a: "hunter2\nb: 1\nc: 2\n': 2,
    'a: [\n  1\n]\nb: [\n  hunter2: }\n]\n': 5,
    'a: !hunter2 x\n': 1,
    'hunter2: 1\nhunter2: 2\n': 2,
    'a: [hunter2\n': 2,
    'a: 1\n---\nhunter2: 2\n': undefined,
  }
  for (const [text, line] of Object.entries(mistakes)) {
    assert.throws(
      () => parseYaml(text),
      (error: unknown) => {
        assert.ok(error instanceof DocumentError, text)
        assert.doesNotMatch(error.message, /hunter2/)
        assert.match(error.message, /^is not valid YAML: ./)
        assert.equal(error.line, line, text)
        return true
      },
    )
  }
})

test('an alias bomb is refused', () => {
  const bomb = `a: &a [x]\nb: [${'*a, '.repeat(1_001)}]\n`
  assert.throws(() => parseYaml(bomb), DocumentError)
})
