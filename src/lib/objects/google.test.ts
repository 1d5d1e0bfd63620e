import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { type FakeGcs, startFakeGcs } from '../../../test/support/fake-gcs.ts'
import { setEnv } from '../../../test/support/fake-store.ts'
import { createObjectReader, type ObjectReader } from './reader.ts'

const NAME = 'gs://rules/team/a b.json'
const LIMITS = { timeoutMs: 5_000, maxBytes: 100_000 }

async function rig(t: TestContext, limits = LIMITS): Promise<[FakeGcs, ObjectReader]> {
  const store = await startFakeGcs(t)
  setEnv(t, store.env)
  store.objects.set('rules/team/a b.json', Buffer.from('[1]'))
  const reader = createObjectReader(NAME, limits)
  t.after(() => reader.close())
  return [store, reader]
}

test('gs:// is read by its generation, and again only when that is another', async (t) => {
  const [store, reader] = await rig(t)
  const first = await reader.read()
  assert.equal(String(first?.content), '[1]')
  assert.equal(await reader.read(first?.version), undefined)
  store.objects.set('rules/team/a b.json', Buffer.from('[2]'))
  assert.equal(String((await reader.read(first?.version))?.content), '[2]')
  const path = '/storage/v1/b/rules/o/team%2Fa%20b.json?alt=media'
  assert.deepEqual(
    store.seen.map(({ status, url }) => [status, url]),
    [
      [200, path],
      [304, `${path}&ifGenerationNotMatch=${first?.version}`],
      [200, `${path}&ifGenerationNotMatch=${first?.version}`],
    ],
  )
})

test('an emulator is found whether its variable names the host or the whole API', async (t) => {
  const [store] = await rig(t)
  for (const host of [`${store.url}/storage/v1`, `${store.url}/`, store.url.replace('http://', '')]) {
    setEnv(t, { STORAGE_EMULATOR_HOST: host })
    const reader = createObjectReader(NAME, LIMITS)
    assert.equal(String((await reader.read())?.content), '[1]', host)
  }
})

test('what the store refuses is told by its status alone, after one attempt', async (t) => {
  const [store, reader] = await rig(t)
  store.refuses = true
  await assert.rejects(reader.read(), { message: `${NAME} answered 403, and not 200` })
  store.refuses = false
  store.objects.clear()
  await assert.rejects(reader.read(), { message: `${NAME} answered 404, and not 200` })
  assert.equal(store.seen.length, 2)
})

test('FM-34: a store that is slow, drips, floods, breaks off or is dead fails within the deadline, and is let go', async (t) => {
  const [store, reader] = await rig(t, { timeoutMs: 600, maxBytes: 100_000 })
  await reader.read()
  const failures: string[] = []
  for (const mode of ['never', 'drip', 'flood', 'cut'] as const) {
    store.mode = mode
    failures.push(
      await reader.read().then(
        () => `${mode}: taken`,
        (cause: Error) => `${mode}: ${cause.message}`,
      ),
    )
  }
  await eventually(
    () => store.connections(),
    (open) => open === 0,
    3_000,
  )
  await store.close()
  failures.push(
    await reader.read().then(
      () => 'dead: taken',
      (cause: Error) => `dead: ${cause.message}`,
    ),
  )
  assert.deepEqual(failures, [
    `never: ${NAME} did not answer in time`,
    `drip: ${NAME} did not answer in time`,
    `flood: ${NAME} has more than 100000 bytes`,
    `cut: ${NAME} could not be asked (UND_ERR_SOCKET)`,
    `dead: ${NAME} could not be asked (ECONNREFUSED)`,
  ])
})

test('an object that says that it is too large is not read', async (t) => {
  const [store, reader] = await rig(t)
  store.objects.set('rules/team/a b.json', Buffer.alloc(100_001))
  await assert.rejects(reader.read(), { message: `${NAME} has more than 100000 bytes` })
})

test('without credentials nobody is asked', async (t) => {
  const [store] = await rig(t)
  setEnv(t, {
    STORAGE_EMULATOR_HOST: undefined,
    GOOGLE_APPLICATION_CREDENTIALS: undefined,
    METADATA_SERVER_DETECTION: 'none',
    HOME: '/nowhere',
  })
  await assert.rejects(createObjectReader(NAME, LIMITS).read(), {
    message: `no credentials for ${NAME} were found in the environment`,
  })
  assert.equal(store.seen.length, 0)
})
