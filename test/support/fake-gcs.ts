import type { TestContext } from 'node:test'
import { type FakeAnswer, type FakeStore, startFakeStore } from './fake-store.ts'

export interface FakeGcs extends FakeStore {
  /** What points the SDK here. */
  readonly env: Readonly<Record<string, string | undefined>>
}

const OBJECT = /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)$/

/** The media of an object by the JSON API of Google Cloud Storage, as an emulator gives it: to anybody. */
export async function startFakeGcs(t: TestContext): Promise<FakeGcs> {
  const generations = new Map<Buffer, string>()
  const generationOf = (object: Buffer): string => {
    const known = generations.get(object) ?? String(1_700_000_000_000_000 + generations.size)
    generations.set(object, known)
    return known
  }
  const store = await startFakeStore(t, (request, url, { objects, refuses }) => {
    const [, bucket = '', key = ''] = OBJECT.exec(url.pathname) ?? []
    if (request.method !== 'GET' || bucket === '') return failure(501, 'notImplemented')
    if (refuses) return failure(403, 'forbidden')
    const object = objects.get(`${bucket}/${decodeURIComponent(key)}`)
    if (object === undefined) return failure(404, 'notFound')
    const generation = generationOf(object)
    if (url.searchParams.get('alt') !== 'media') return failure(501, 'notImplemented')
    if (url.searchParams.get('ifGenerationNotMatch') === generation) return { status: 304 }
    return { status: 200, headers: { 'x-goog-generation': generation }, body: object, isContent: true }
  })
  return Object.assign(store, { env: { STORAGE_EMULATOR_HOST: store.url, GOOGLE_APPLICATION_CREDENTIALS: undefined } })
}

function failure(status: number, reason: string): FakeAnswer {
  const error = { code: status, message: 'says s3cret-of-google', errors: [{ reason, message: 's3cret-of-google' }] }
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ error }) }
}
