import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { testSessionStore } from '../../test/contracts/session-store.ts'
import { createTestClock, type TestClock } from '../../test/support/test-clock.ts'
import { silentLogger } from '../kernel/logger.ts'
import type { SessionStore } from './contract.ts'
import { createSessionStore } from './factory.ts'

const EXAMPLE = resolve(import.meta.dirname, '../../examples/session-store-plugin/sqlite-store.js')

let folder: string
let file: string
let count = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oathkeeper-plugin-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function createExample(clock: TestClock): Promise<SessionStore> {
  const options = { type: 'module', module: EXAMPLE, options: { file } } as const
  return (await createSessionStore(options, { clock, logger: silentLogger })).store
}

testSessionStore({
  name: 'example plugin',
  clock: () => createTestClock(),
  create: (clock) => {
    file = join(folder, `${count++}.db`)
    return createExample(clock)
  },
  createAnother: createExample,
})

async function load(source: string, options = {}): Promise<SessionStore> {
  const module = join(folder, `module-${count++}.mjs`)
  await writeFile(module, source)
  const deps = { clock: createTestClock(), logger: silentLogger }
  return (await createSessionStore({ type: 'module', module, options }, deps)).store
}

/** A store as a person may write it, with one part replaced. */
function storeSource(part: string): string {
  return `export const createSessionStore = () => ({
    kind: 'mine', async start() {}, async ping() {}, async close() {},
    getSession() {}, createSession: () => true, updateSession: () => true, deleteSession: () => true, findSessions: () => [],
    putState() {}, takeState() {}, acquireLease: () => true, releaseLease() {}, ${part} })`
}

test('a module that cannot be loaded, exports no store, or half of one, is refused with a sentence', async () => {
  const missing = createSessionStore(
    { type: 'module', module: join(folder, 'no-such.js'), options: {} },
    { clock: createTestClock(), logger: silentLogger },
  )
  await assert.rejects(missing, /the module .*no-such\.js could not be loaded/)
  await assert.rejects(load('export const other = 1'), /exports no function createSessionStore\(options, deps\)/)
  await assert.rejects(load('export const createSessionStore = 1'), /exports no function/)
  await assert.rejects(
    load('export const createSessionStore = () => ({ kind: 1 })'),
    /lacks kind, start, close, ping, getSession/,
  )
  await assert.rejects(load('export const createSessionStore = () => null'), /lacks kind/)
  await assert.rejects(
    load('export function createSessionStore() { throw new Error("give me a file") }'),
    /could not be created: give me a file/,
  )
})

test('its options are given to it, and what it answers at once is answered at once', async () => {
  const store = await load(storeSource('getSession: (key) => ({ value: new Uint8Array(), version: 7, expiresAt: 1 })'))
  assert.equal(store.kind, 'mine')
  assert.deepEqual(store.getSession('key'), { value: new Uint8Array(), version: 7, expiresAt: 1 })
})

test('what it may leave out is there if it has it, and only then', async () => {
  const plain = await load(storeSource(''))
  assert.deepEqual([plain.renewLease, plain.onChange], [undefined, undefined])
  const store = await load(storeSource('renewLease: () => true, onChange(listener) { listener("key") }'))
  assert.equal(await store.renewLease?.('lease', 'me', 1), true)
  const changed: (string | undefined)[] = []
  store.onChange?.((key) => changed.push(key))
  assert.deepEqual(changed, ['key'])
})

test('notes are kept here for a store that keeps none', async () => {
  const store = await load(storeSource(''))
  await store.putNote('name', 'text', Number.POSITIVE_INFINITY)
  assert.equal(await store.getNote('name'), 'text')
  const own = await load(storeSource("putNote() {}, getNote: () => 'its own'"))
  assert.equal(await own.getNote('name'), 'its own')
})

test('whatever it throws means that it could not be asked, never that there is no session', async () => {
  const refusal = { code: 'ERR_SESSION_STORE_UNAVAILABLE', detail: 'mine: no disk' }
  const throwing = await load(storeSource('getSession() { throw new Error("no disk") }'))
  assert.throws(() => throwing.getSession('key'), refusal)
  const rejecting = await load(storeSource('async getSession() { throw new Error("no disk") }'))
  await assert.rejects(async () => await rejecting.getSession('key'), refusal)
})
