import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { before, describe, test } from 'node:test'
import { renderTemplate } from '../../test/support/render-template.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { BUILTINS } from './builtins/builtins.ts'
import { sprigFunctions } from './sprig/functions.ts'

const DOCUMENT = readFileSync(resolve(import.meta.dirname, '../../docs/templates.md'), 'utf8')
const SESSION = JSON.parse(/```json\n([^`]*)```/.exec(DOCUMENT)?.[1] ?? '') as {
  subject: string
  extra: Record<string, unknown>
}
const EXAMPLE = /^\| `([^`]*(?:\{\{|\/\*)[^`]*)` \| `([^`]*)` \|$/gm

describe('docs/templates.md', () => {
  before(() => {
    process.env['TZ'] = 'UTC'
  })

  test('names every function, and no other', () => {
    const functions = DOCUMENT.slice(DOCUMENT.indexOf('## Functions'), DOCUMENT.indexOf('**Environment**') + 60)
    const named = new Set([...functions.matchAll(/`([A-Za-z0-9_]+)`/g)].map(([, name]) => name))
    const known = new Set([...Object.keys(BUILTINS), ...Object.keys(sprigFunctions(createTestClock(), {}))])
    assert.deepEqual([...named].sort(), [...known].sort())
  })

  for (const [, source = '', output = ''] of DOCUMENT.matchAll(EXAMPLE)) {
    const template = source.replaceAll('\\|', '|')
    test(`${template} gives what it says`, () => {
      const rendered = renderTemplate(template, {
        ...SESSION,
        captureGroups: ['shop', '7'],
        request: {
          scheme: 'https',
          host: 'app.example:8443',
          path: '/shop/7',
          rawQuery: 'q=tea&q=cup',
          headers: [['Accept-Language', 'de-CH']],
        },
      })
      assert.equal(rendered, output.replaceAll('\\|', '|'))
    })
  }
})
