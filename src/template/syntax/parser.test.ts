import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { describeNode } from './describe-node.ts'
import { parseTemplate, type TemplateSet } from './parser.ts'
import { TemplateSyntaxError } from './syntax-error.ts'

function parse(source: string): TemplateSet {
  return parseTemplate('t', source, () => true)
}

const PIECES = [
  '{{',
  '}}',
  '{{-',
  '-}}',
  ' ',
  '\n',
  '|',
  '(',
  ')',
  ',',
  ':=',
  '=',
  '.',
  '$',
  '$x',
  '.a',
  '"s"',
  '`r`',
  "'c'",
]
const WORDS = [
  'if',
  'else',
  'end',
  'range',
  'with',
  'define',
  'template',
  'block',
  'break',
  'nil',
  'true',
  'f',
  '1',
  '1.5',
  '/*',
]
const source = fc
  .array(fc.oneof(fc.constantFrom(...PIECES, ...WORDS), fc.string({ maxLength: 3 })), { maxLength: 25 })
  .map((pieces) => pieces.join(''))

test('any text parses or is refused with a line that it has', () => {
  fc.assert(
    fc.property(source, (text) => {
      try {
        parse(text)
      } catch (error) {
        assert.ok(error instanceof TemplateSyntaxError, String(error))
        assert.ok(error.line >= 0 && error.line <= text.split('\n').length)
      }
    }),
    { numRuns: 2000 },
  )
})

test('what a parsed template is described as parses to the same', () => {
  fc.assert(
    fc.property(source, (text) => {
      let described: string
      try {
        const root = parse(text).get('t')
        assert.ok(root)
        described = describeNode(root)
      } catch {
        return
      }
      if (/\{\{-|-\}\}|define|block/.test(text)) return
      const again = parse(described).get('t')
      assert.ok(again)
      assert.equal(describeNode(again), described)
    }),
    { numRuns: 2000 },
  )
})

test('what is nested without end is refused, not followed until the stack is full', () => {
  const sources = [
    '('.repeat(100_000),
    `{{ ${'('.repeat(100_000)} 1`,
    `{{ f ${'(f '.repeat(5000)}1${')'.repeat(5000)} }}`,
    '{{ if 1 }}'.repeat(100_000),
    `${'{{ range 1 }}'.repeat(5000)}${'{{ end }}'.repeat(5000)}`,
    '{{ block "a" . }}'.repeat(5000),
    `{{ ${'.a'.repeat(50_000)} }}`,
  ]
  for (const text of sources) {
    try {
      parse(text)
    } catch (error) {
      assert.ok(error instanceof TemplateSyntaxError, `${text.slice(0, 20)}: ${String(error)}`)
    }
  }
})

test('definitions are found wherever they stand at the top', () => {
  const set = parse('{{ define "a" }}A{{ end }}x{{ block "b" . }}B{{ end }}')
  assert.deepEqual([...set.keys()], ['a', 'b', 't'])
})
