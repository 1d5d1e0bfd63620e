import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileGjson } from './gjson.ts'

/** Documents by name, and what gjson 1.19.0 for Go found at paths in them; `null` for nothing. */
interface Fixture {
  readonly documents: Readonly<Record<string, string>>
  readonly pairs: readonly (readonly [document: string, path: string, raw: string | null])[]
}

const { documents, pairs } = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../../test/fixtures/gjson/pairs.json'), 'utf8'),
) as Fixture

const find = (path: string, document: string) => compileGjson(path)(Buffer.from(document))

test(`gjson for Go and we find the same at ${pairs.length} paths`, () => {
  const wrong: string[] = []
  for (const [name, path, raw] of pairs) {
    const found = find(path, documents[name] ?? '') ?? null
    if (found !== raw)
      wrong.push(`${name} ${JSON.stringify(path)}: ${JSON.stringify(found)}, not ${JSON.stringify(raw)}`)
  }
  assert.deepEqual(wrong, [])
})

test('a document that is no JSON of a modifier that needs JSON stays as it is', () => {
  assert.equal(find('@pretty', '{"a":]'), '{"a":]')
  assert.equal(find('@valid', '{"a":]'), undefined)
})

const escape = (key: string) => key.replace(/[^A-Za-z0-9_:-]/gu, (char) => (char < '\x80' ? `\\${char}` : char))
const keyArbitrary = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((key) => key !== '__proto__')

test('an escaped key finds exactly its member in every object', () => {
  fc.assert(
    fc.property(fc.dictionary(keyArbitrary, fc.jsonValue(), { minKeys: 1 }), fc.nat(), (object, at) => {
      const keys = Object.keys(object)
      const key = keys[at % keys.length] as string
      assert.deepEqual(
        JSON.parse(find(escape(key), JSON.stringify(object)) ?? ''),
        JSON.parse(JSON.stringify(object[key])),
      )
    }),
  )
})

test('an index finds exactly its item in every list', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), fc.nat(), (list, at) => {
      const index = at % list.length
      assert.deepEqual(
        JSON.parse(find(String(index), JSON.stringify(list)) ?? ''),
        JSON.parse(JSON.stringify(list[index])),
      )
      assert.equal(find('#', JSON.stringify(list)), String(list.length))
      assert.equal(find(String(list.length), JSON.stringify(list)), undefined)
    }),
  )
})

test('@reverse twice, and @tostr then @fromstr, change nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const document = JSON.stringify([value])
      for (const path of ['@reverse|@reverse', '@tostr|@fromstr', '@ugly', '@pretty', '@this', '@valid']) {
        assert.deepEqual(JSON.parse(find(path, document) ?? ''), JSON.parse(document))
      }
    }),
  )
})

const syntax = fc.constantFrom(
  ...'.|#()[]{}*?\\"\'=<>!%~:,@-0a1b \n',
  '@this',
  '@reverse',
  '@flatten',
  '@dig:a',
  'é',
  '..',
  '#(',
)
const pathArbitrary = fc.array(syntax, { maxLength: 12 }).map((parts) => parts.join(''))
const garbage = fc.array(fc.constantFrom(...'{}[]",:\\tfnaI+-09 \n', '"a"', '"a":1', 'true', 'é'), { maxLength: 40 })

test('V-071: no path and no document makes it throw', () => {
  fc.assert(
    fc.property(pathArbitrary, garbage, (path, parts) => {
      find(path, parts.join(''))
    }),
    { numRuns: 3000 },
  )
})

test('a path of any length compiles', () => {
  assert.equal(find('a.'.repeat(3000), '{"a":1}'), undefined)
})

test('B-20: the work does not grow faster than the document', () => {
  const document = `{"a":${JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ b: `x${i}`, c: '\\'.repeat(20) })))}}`
  const started = performance.now()
  for (const path of [
    'a.#.b',
    'a.#(b="x19999").c',
    'a.#(b%"*99*")#.b',
    'nope.a',
    '*.#(c)#|#',
    'a.@reverse.0.b',
    '@ugly',
  ]) {
    find(path, document)
  }
  for (const text of ['['.repeat(500_000), '"'.repeat(500_000), '\\'.repeat(500_000), '{"a":'.repeat(100_000)]) {
    for (const path of ['a.b', '#.a', 'a.#(b)#', '..#', '0.0']) find(path, text)
  }
  assert.ok(performance.now() - started < 3000)
})
