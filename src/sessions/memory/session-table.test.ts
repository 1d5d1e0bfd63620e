import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { SessionTable } from './session-table.ts'
import { Slabs, offsetOf } from './slabs.ts'

const BUCKET_MS = 10

interface Modelled {
  value: Buffer
  version: number
  expiresAt: number
  readonly subject: string
  readonly providerSession: string | undefined
}

/** Of few names, so that they meet again. */
const name = (prefix: string) => fc.nat(12).map((number) => `${prefix}${number}`)
const step = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    key: name('k'),
    bytes: fc.oneof(fc.nat(300), fc.constantFrom(4096, 40_000, 300_000)),
    end: fc.nat(200),
    subject: name('s'),
    providerSession: fc.option(name('p'), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('replace' as const), key: name('k'), bytes: fc.nat(5000), end: fc.nat(200) }),
  fc.record({ kind: fc.constant('remove' as const), key: name('k') }),
  fc.record({ kind: fc.constant('use' as const), key: name('k') }),
  fc.record({ kind: fc.constant('sweep' as const), by: fc.nat(60) }),
)

function assertSame(table: SessionTable, model: ReadonlyMap<string, Modelled>): void {
  assert.equal(table.size, model.size)
  for (const [key, held] of model) {
    const id = table.find(key)
    assert.ok(id !== undefined, key)
    assert.equal(table.keyOf(id), key)
    assert.ok(held.value.equals(table.valueOf(id)))
    assert.deepEqual([table.versionOf(id), table.endOf(id)], [held.version, held.expiresAt])
  }
  for (let number = 0; number <= 12; number++) {
    const keysOf = (ids: readonly number[]): string[] => ids.map((id) => table.keyOf(id)).toSorted()
    const modelled = (of: (held: Modelled) => boolean): string[] =>
      [...model]
        .filter(([, held]) => of(held))
        .map(([key]) => key)
        .toSorted()
    assert.deepEqual(
      keysOf(table.ofSubject(`s${number}`)),
      modelled(({ subject }) => subject === `s${number}`),
    )
    assert.deepEqual(
      keysOf(table.ofProviderSession(`p${number}`)),
      modelled(({ providerSession }) => providerSession === `p${number}`),
    )
  }
  const [oldest] = model.keys()
  assert.equal(table.oldest === undefined ? undefined : table.keyOf(table.oldest), oldest)
}

test('whatever is done, the table holds what a map would, in the order of use, and finds it by each name', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new SessionTable(8, BUCKET_MS)
      /** In the order of use. */
      const model = new Map<string, Modelled>()
      let now = 1_000
      const drop = (key: string): void => {
        model.delete(key)
        table.remove(table.find(key) ?? -1)
      }
      for (const one of steps) {
        if (one.kind === 'sweep') {
          now += one.by
          for (const id of table.due(now)) {
            const key = table.keyOf(id)
            assert.ok((model.get(key)?.expiresAt ?? now) < now)
            drop(key)
          }
          for (const { expiresAt } of model.values()) assert.ok(expiresAt > now - 2 * BUCKET_MS, 'it was swept')
          continue
        }
        const held = model.get(one.key)
        if (one.kind === 'add') {
          if (held !== undefined) drop(one.key)
          const [oldest] = model.keys()
          if (table.isFull && oldest !== undefined) drop(oldest)
          const { subject, providerSession } = one
          const added = {
            value: randomBytes(one.bytes),
            version: 1,
            expiresAt: now + one.end,
            subject,
            providerSession,
          }
          table.add(one.key, added.value, added.expiresAt, {
            subject,
            ...(providerSession !== undefined && { providerSession }),
          })
          model.set(one.key, added)
        } else if (held === undefined) {
          assert.equal(table.find(one.key), undefined)
        } else if (one.kind === 'remove') {
          drop(one.key)
        } else if (one.kind === 'use') {
          table.use(table.find(one.key) ?? -1)
          model.delete(one.key)
          model.set(one.key, held)
        } else {
          Object.assign(held, { value: randomBytes(one.bytes), version: held.version + 1, expiresAt: now + one.end })
          table.replace(table.find(one.key) ?? -1, held.value, held.expiresAt)
        }
        assertSame(table, model)
      }
    }),
    { numRuns: 100 },
  )
})

test('a table that is larger than what is set aside at first grows', () => {
  const table = new SessionTable(100_000, BUCKET_MS, 1_000)
  for (let i = 0; i < 70_000; i++) table.add(`key-${i}`, Buffer.from(String(i)), i, { subject: `s-${i % 1000}` })
  for (const i of [0, 1, 63_999, 64_000, 69_999]) {
    const id = table.find(`key-${i}`)
    assert.equal(id === undefined ? undefined : Buffer.from(table.valueOf(id)).toString(), String(i))
  }
  assert.equal(table.ofSubject('s-7').length, 70)
  assert.equal(table.find('key-70000'), undefined)
})

test('bytes that were given back are used again, and slabs that are empty go', () => {
  const slabs = new Slabs()
  const places = Array.from({ length: 10_000 }, () => slabs.allocate(3000))
  const bytes = slabs.bytes
  assert.ok(bytes < 10_000 * 3000 * 1.1, `${bytes} bytes`)
  assert.equal(new Set(places).size, places.length)
  for (const place of places.slice(0, 5000)) slabs.free(place)
  for (let i = 0; i < 5000; i++) places[i] = slabs.allocate(3000)
  assert.ok(slabs.bytes <= bytes, `${slabs.bytes} bytes`)
  assert.equal(new Set(places).size, places.length)
  for (const place of places) slabs.free(place)
  assert.ok(slabs.bytes <= 262_144, `${slabs.bytes} bytes`)
})

test('pieces do not overlap, whatever their length', () => {
  const slabs = new Slabs()
  const pieces = [1, 63, 64, 65, 4095, 4097, 32_768, 32_769, 262_144, 1_000_000, 64, 4095].map((length, number) => {
    const place = slabs.allocate(length)
    slabs.bufferOf(place).fill(number, offsetOf(place), offsetOf(place) + length)
    return { place, length, number }
  })
  for (const { place, length, number } of pieces) {
    const at = offsetOf(place)
    assert.ok(
      slabs
        .bufferOf(place)
        .subarray(at, at + length)
        .every((byte) => byte === number),
      `of ${length} bytes`,
    )
  }
})

test('a key is anything that fits; one that does not is refused', () => {
  const table = new SessionTable(10, BUCKET_MS)
  for (const key of ['', 'ключ', 'a'.repeat(255)]) {
    table.add(key, Buffer.from(key), 1, { subject: 'alice' })
    const id = table.find(key)
    assert.equal(id === undefined ? undefined : table.keyOf(id), key)
  }
  assert.throws(() => table.find('a'.repeat(256)), RangeError)
})
