import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { type FakeS3, startFakeS3 } from '../../../test/support/fake-s3.ts'
import { setEnv } from '../../../test/support/fake-store.ts'
import { createObjectReader, type ObjectReader } from './reader.ts'

const LIMITS = { timeoutMs: 5_000, maxBytes: 100_000 }

async function rig(
  t: TestContext,
  limits = LIMITS,
  location = 's3://rules/team/a b.json',
): Promise<[FakeS3, ObjectReader]> {
  const store = await startFakeS3(t)
  setEnv(t, store.env)
  store.objects.set('rules/team/a b.json', Buffer.from('[1]'))
  const reader = createObjectReader(location, limits)
  t.after(() => reader.close())
  return [store, reader]
}

test('s3:// is read with a signature, and again only when its ETag is another', async (t) => {
  const [store, reader] = await rig(t)
  const first = await reader.read()
  assert.equal(String(first?.content), '[1]')
  assert.equal(await reader.read(first?.version), undefined)
  store.objects.set('rules/team/a b.json', Buffer.from('[2]'))
  const second = await reader.read(first?.version)
  assert.equal(String(second?.content), '[2]')
  assert.deepEqual(
    store.seen.map(({ status, headers }) => [status, headers['if-none-match']]),
    [
      [200, undefined],
      [304, first?.version],
      [200, first?.version],
    ],
  )
})

test('the key is decoded as in Oathkeeper, and a query is not used', async (t) => {
  const [store, reader] = await rig(t, LIMITS, 's3://rules/team/a%20b.json?region=eu-west-1&endpoint=http://evil')
  assert.equal(String((await reader.read())?.content), '[1]')
  assert.equal(store.seen[0]?.url, '/rules/team/a%20b.json?x-id=GetObject')
  assert.equal(reader.name, 's3://rules/team/a%20b.json')
})

test('what the store refuses is told by status and code alone, after one attempt', async (t) => {
  const [store, reader] = await rig(t)
  store.refuses = true
  await assert.rejects(reader.read(), { message: 's3://rules/team/a b.json answered 403, and not 200 (AccessDenied)' })
  store.refuses = false
  store.objects.clear()
  await assert.rejects(reader.read(), { message: 's3://rules/team/a b.json answered 404, and not 200 (NoSuchKey)' })
  setEnv(t, { AWS_SECRET_ACCESS_KEY: 'wrong' })
  const other = createObjectReader('s3://rules/x', LIMITS)
  await assert.rejects(other.read(), { message: 's3://rules/x answered 403, and not 200 (SignatureDoesNotMatch)' })
  assert.equal(store.seen.length, 3)
})

test('FM-34: a store that is slow, drips, floods, breaks off or is dead fails within the deadline, and is let go', async (t) => {
  const [store, reader] = await rig(t, { timeoutMs: 600, maxBytes: 100_000 })
  // What the SDK costs to load is not what is measured.
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
    2_000,
  )
  await store.close()
  failures.push(
    await reader.read().then(
      () => 'dead: taken',
      (cause: Error) => `dead: ${cause.message}`,
    ),
  )
  assert.deepEqual(failures, [
    'never: s3://rules/team/a b.json did not answer in time',
    'drip: s3://rules/team/a b.json did not answer in time',
    'flood: s3://rules/team/a b.json has more than 100000 bytes',
    'cut: s3://rules/team/a b.json could not be asked (ECONNRESET)',
    'dead: s3://rules/team/a b.json could not be asked (ECONNREFUSED)',
  ])
})

test('an object that says that it is too large is not read', async (t) => {
  const [store, reader] = await rig(t)
  store.objects.set('rules/team/a b.json', Buffer.alloc(100_001))
  await assert.rejects(reader.read(), { message: 's3://rules/team/a b.json has more than 100000 bytes' })
})

test('without a region or credentials it says what to set', async (t) => {
  const [store] = await rig(t)
  setEnv(t, { AWS_REGION: undefined })
  const reader = createObjectReader('s3://rules/x', LIMITS)
  await assert.rejects(reader.read(), {
    message: 's3:// needs a region: set AWS_REGION, or region in the AWS configuration file',
  })
  setEnv(t, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined })
  await assert.rejects(reader.read(), { message: 'no credentials for s3://rules/x were found in the environment' })
  assert.equal(store.seen.length, 0)
})
