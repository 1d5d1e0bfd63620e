import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DocumentError } from './document.ts'
import { jsonLines, parseJson } from './json.ts'

test('the line of every key and item is known', () => {
  const lines = jsonLines('{\n "a": {"b": [1,\n  {"c": null}]},\n\t"x.y": "\\"",\n "e": {} , "f": []\n}\n')
  assert.deepEqual(Object.fromEntries(lines), {
    a: 2,
    'a.b': 2,
    'a.b[0]': 2,
    'a.b[1]': 3,
    'a.b[1].c': 3,
    '["x.y"]': 4,
    e: 5,
    f: 5,
  })
})

test('an empty document is undefined', () => assert.equal(parseJson(' \n'), undefined))

test('a mistake is told with its line and without what the text holds', () => {
  const mistakes: Record<string, [number, RegExp]> = {
    '{\n"a": hunter2}': [2, /a value is expected/],
    '{"a": "hunter2"\n"b": 1}': [2, /a comma or } is expected/],
    "{'hunter2': 1}": [1, /a key in double quotes is expected/],
    '{"a": [1,\n]}': [2, /a value is expected/],
    '{"a": 1}\nhunter2': [2, /something follows/],
    '{"a" 1}': [1, /a colon/],
    '[1 2]': [1, /a comma or ] is expected/],
    '{"a": "hunter2': [1, /a value is expected/],
  }
  for (const [text, [line, message]] of Object.entries(mistakes)) {
    assert.throws(
      () => parseJson(text),
      (error: unknown) => {
        assert.ok(error instanceof DocumentError)
        assert.deepEqual(
          [error.line, message.test(error.message), /hunter2/.test(error.message)],
          [line, true, false],
          text,
        )
        return true
      },
    )
  }
})
