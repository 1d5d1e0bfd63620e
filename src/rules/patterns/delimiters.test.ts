import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PatternError, type Piece, splitAtDelimiters } from './delimiters.ts'

test('text outside is literal, text inside one outermost pair a pattern', () => {
  assert.deepEqual(splitAtDelimiters('http://h/<[0-9]+>/x<y>'), [
    { kind: 'literal', text: 'http://h/' },
    { kind: 'pattern', text: '[0-9]+' },
    { kind: 'literal', text: '/x' },
    { kind: 'pattern', text: 'y' },
  ])
})

test('nested delimiters belong to the pattern', () => {
  assert.deepEqual(splitAtDelimiters('<a<b>c>'), [{ kind: 'pattern', text: 'a<b>c' }])
})

test('an empty pair is an empty pattern', () => {
  assert.deepEqual(splitAtDelimiters('a<>'), [
    { kind: 'literal', text: 'a' },
    { kind: 'pattern', text: '' },
  ])
})

for (const url of ['<', '>', 'a<b', 'a>b', '<a<b>', '<a>b>', '<(?<=x)y>', '<(?>a)>']) {
  test(`unbalanced delimiters are an error: ${url}`, () => {
    assert.throws(() => splitAtDelimiters(url), PatternError)
  })
}

const balanced = fc.letrec<{ text: string; inner: string }>((tie) => ({
  text: fc.string({ unit: fc.constantFrom('a', '/', '.', '*', '(', 'é', '😀'), maxLength: 6 }),
  inner: fc.oneof(
    { depthSize: 'small' },
    tie('text'),
    fc.tuple(tie('text'), tie('inner'), tie('text')).map(([a, b, c]) => `${a}<${b}>${c}`),
  ),
})).inner

test('the pieces put together again are the URL', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('literal', 'pattern'), balanced)), (parts) => {
      const url = parts.map(([kind, text]) => (kind === 'pattern' ? `<${text}>` : text.replace(/[<>]/g, ''))).join('')
      const pieces = splitAtDelimiters(url)
      assert.equal(pieces.map(write).join(''), url)
      assert.equal(
        pieces.filter(({ kind }) => kind === 'pattern').length,
        parts.filter(([kind]) => kind === 'pattern').length,
      )
    }),
  )
})

test('any text is split or refused, nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('<', '>', 'a', '\\', 'é') }), (url) => {
      const opens = url.split('<').length
      try {
        assert.equal(splitAtDelimiters(url).map(write).join(''), url)
        assert.equal(opens, url.split('>').length)
      } catch (cause) {
        assert.ok(cause instanceof PatternError, String(cause))
      }
    }),
  )
})

function write({ kind, text }: Piece): string {
  return kind === 'pattern' ? `<${text}>` : text
}
