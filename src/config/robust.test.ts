import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder } from '../../test/support/config.ts'
import { BUILTIN_HANDLERS } from '../pipeline/builtin.ts'
import { environmentNames } from './environment.ts'
import { configJsonSchema } from './json-schema.ts'
import { tryLoadConfig } from './load.ts'

const ODD_VALUES = [
  'null',
  '[]',
  '{}',
  '""',
  '-1',
  '1e308',
  'true',
  '"x"',
  '[null]',
  '[{"x":[]}]',
  '"${"',
  '"\\u0000"',
  '{"__proto__":{}}',
]

/** A document with the value at the path; `#` is the first item of a list. */
function documentWith(path: readonly string[], value: string): string {
  return path.reduceRight((inner, step) => (step === '#' ? `[${inner}]` : `{${JSON.stringify(step)}:${inner}}`), value)
}

test('whatever stands at whatever key: it is accepted or refused at a place, never a crash', (t) => {
  const file = join(makeFolder(t), 'config.json')
  for (const [name, { path }] of environmentNames(configJsonSchema(BUILTIN_HANDLERS))) {
    for (const value of ODD_VALUES) {
      writeFileSync(file, documentWith(path, value))
      const result = tryLoadConfig({ files: [file], env: {}, handlers: BUILTIN_HANDLERS })
      if (!('problems' in result)) continue
      for (const { source, line, message } of result.problems) {
        assert.deepEqual([source, line, message.length > 0], [file, 1, true], `${name} = ${value}`)
      }
    }
  }
})
