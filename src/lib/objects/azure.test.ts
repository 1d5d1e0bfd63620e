import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { type FakeAzure, startFakeAzure } from '../../../test/support/fake-azure.ts'
import { setEnv } from '../../../test/support/fake-store.ts'
import { createObjectReader, type ObjectReader } from './reader.ts'

const NAME = 'azblob://rules/team/a b.json'
const LIMITS = { timeoutMs: 5_000, maxBytes: 100_000 }

async function rig(t: TestContext, limits = LIMITS): Promise<[FakeAzure, ObjectReader]> {
  const store = await startFakeAzure(t)
  setEnv(t, store.env)
  store.objects.set('rules/team/a b.json', Buffer.from('[1]'))
  const reader = createObjectReader(NAME, limits)
  t.after(() => reader.close())
  return [store, reader]
}

test('azblob:// is read with the key of the account, and again only when its ETag is another', async (t) => {
  const [store, reader] = await rig(t)
  const first = await reader.read()
  assert.equal(String(first?.content), '[1]')
  assert.equal(await reader.read(first?.version), undefined)
  store.objects.set('rules/team/a b.json', Buffer.from('[2]'))
  assert.equal(String((await reader.read(first?.version))?.content), '[2]')
  assert.deepEqual(
    store.seen.map(({ status, headers }) => [status, headers['if-none-match']]),
    [
      [200, undefined],
      [304, first?.version],
      [200, first?.version],
    ],
  )
})

test('azblob:// is read with a signature, or by a connection string', async (t) => {
  const [store] = await rig(t)
  setEnv(t, { AZURE_STORAGE_KEY: undefined, AZURE_STORAGE_SAS_TOKEN: `?${store.signature}` })
  assert.equal(String((await createObjectReader(NAME, LIMITS).read())?.content), '[1]')
  const { connectionString } = store
  setEnv(t, {
    AZURE_STORAGE_SAS_TOKEN: undefined,
    AZURE_STORAGE_ACCOUNT: undefined,
    AZURE_STORAGE_CONNECTION_STRING: connectionString,
  })
  assert.equal(String((await createObjectReader(NAME, LIMITS).read())?.content), '[1]')
  setEnv(t, { AZURE_STORAGE_CONNECTION_STRING: 's3cret' })
  await assert.rejects(createObjectReader(NAME, LIMITS).read(), {
    message: 'AZURE_STORAGE_CONNECTION_STRING is no connection string of a storage account',
  })
})

test('what the store refuses is told by status and code alone, after one attempt', async (t) => {
  const [store, reader] = await rig(t)
  store.refuses = true
  await assert.rejects(reader.read(), { message: `${NAME} answered 403, and not 200 (AuthorizationFailure)` })
  store.refuses = false
  store.objects.clear()
  await assert.rejects(reader.read(), { message: `${NAME} answered 404, and not 200 (BlobNotFound)` })
  setEnv(t, { AZURE_STORAGE_KEY: 'd3Jvbmc=' })
  await assert.rejects(createObjectReader(NAME, LIMITS).read(), {
    message: `${NAME} answered 403, and not 200 (AuthenticationFailed)`,
  })
  assert.equal(store.seen.length, 3)
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
    // The SDK takes no answer of unknown length.
    `flood: ${NAME} could not be asked (RangeError)`,
    `cut: ${NAME} could not be asked (AbortError)`,
    `dead: ${NAME} could not be asked (ECONNREFUSED)`,
  ])
})

test('an object that says that it is too large is not read', async (t) => {
  const [store, reader] = await rig(t)
  store.objects.set('rules/team/a b.json', Buffer.alloc(100_001))
  await assert.rejects(reader.read(), { message: `${NAME} has more than 100000 bytes` })
})
