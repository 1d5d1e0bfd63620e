import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeJwk, publicHalf } from '../../test/support/jwks.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { createSigningKeys } from './signing-keys.ts'

const FIRST = makeJwk('first', 'ES256')
const SECOND = makeJwk('second', 'ES256')
const SECRET = makeJwk('secret', 'HS256')

function rig({ readsAhead = false } = {}) {
  const documents = new Map<string, unknown>()
  const reads: string[] = []
  const lines: string[] = []
  const note = (_fields: unknown, message: string): void => void lines.push(message)
  const logger: Logger = { debug: note, info: note, warn: note, error: note }
  const clock = createTestClock()
  const keys = createSigningKeys({
    reader: {
      check(location) {
        if (location.startsWith('ftp:')) throw new Error('not by ftp')
      },
      read(location) {
        reads.push(location)
        const document = documents.get(location)
        if (document === undefined) return Promise.reject(new Error(`${location} cannot be read`))
        return Promise.resolve(Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)))
      },
    },
    clock,
    logger,
    readsAhead,
  })
  return { documents, reads, lines, clock, keys }
}

test('a changed file is the one in force within seconds, an unchanged one stays the same object', async () => {
  const { documents, reads, clock, keys } = rig()
  documents.set('file:///k', { keys: [FIRST] })
  const source = keys.at('file:///k')
  const first = await source.current()
  assert.equal(source.current(), first, 'the second time it is there at once')
  clock.advance(2_000)
  assert.equal(await source.current(), first)
  assert.equal(reads.length, 2)
  documents.set('file:///k', { keys: [SECOND] })
  clock.advance(2_000)
  const second = await source.current()
  assert.deepEqual(second.publicKeys, [publicHalf(SECOND)])
})

test('a remote set is asked for again every half a minute', async () => {
  const { documents, reads, clock, keys } = rig()
  documents.set('https://h/k', { keys: [FIRST] })
  await keys.at('https://h/k').current()
  clock.advance(14_000)
  await keys.at('https://h/k').current()
  assert.equal(reads.length, 1)
  clock.advance(16_000)
  await keys.at('https://h/k').current()
  assert.equal(reads.length, 2)
})

test('keys that were good stay good while they cannot be read or are broken, and the log says why', async () => {
  const { documents, lines, clock, keys } = rig()
  documents.set('file:///k', { keys: [FIRST] })
  const source = keys.at('file:///k')
  const first = await source.current()
  documents.delete('file:///k')
  clock.advance(10_000)
  assert.equal(await source.current(), first)
  documents.set('file:///k', '{"keys":[{"d":"never-told"}]}')
  clock.advance(10_000)
  assert.equal(await source.current(), first)
  assert.deepEqual(lines, [
    'id_token: the key set at file:///k cannot be taken: file:///k cannot be read',
    'id_token: the key set at file:///k cannot be taken: keys[0] is not a key that can be read',
  ])
})

test('a set that could never be read rejects, and is tried again after a second', async () => {
  const { documents, reads, clock, keys } = rig()
  const source = keys.at('file:///k')
  await assert.rejects(Promise.resolve(source.current()))
  await assert.rejects(Promise.resolve(source.current()))
  assert.equal(reads.length, 1)
  documents.set('file:///k', { keys: [FIRST] })
  clock.advance(1_000)
  assert.deepEqual((await source.current()).publicKeys, [publicHalf(FIRST)])
})

test('reading ahead: the first request finds the keys there, and a mistake is told at once', async () => {
  const { documents, lines, keys } = rig({ readsAhead: true })
  documents.set('https://h/k', { keys: [publicHalf(FIRST)] })
  const source = keys.at('https://h/k')
  keys.at('https://user:pass@h/nope?token=t')
  await new Promise((done) => setImmediate(done))
  assert.ok(!(source.current() instanceof Promise))
  assert.deepEqual(lines, [
    'id_token: https://h/k: no suitable key could be found',
    'id_token: the key set at https://h/nope cannot be taken: https://user:pass@h/nope?token=t cannot be read',
  ])
})

test('public keys are those of all sets that can be read; without one there is nothing', async () => {
  const { documents, keys } = rig()
  documents.set('file:///a', { keys: [FIRST, SECRET] })
  documents.set('file:///b', { keys: [SECOND] })
  const all = await keys.publicKeys(['file:///a', 'file:///none', 'ftp://h/x', 'file:///b'])
  assert.deepEqual(all, [publicHalf(FIRST), publicHalf(SECOND)])
  assert.equal(await keys.publicKeys(['file:///none', 'ftp://h/x']), undefined)
  assert.equal(await keys.publicKeys([]), undefined)
})

test('a location that nothing can be read from is told when it is named', () => {
  assert.throws(() => rig().keys.at('ftp://h/k'), /not by ftp/)
})
