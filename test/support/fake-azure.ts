import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import { type FakeAnswer, type FakeStore, startFakeStore } from './fake-store.ts'

export interface FakeAzure extends FakeStore {
  /** What points the SDK here, with the key of the account. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly connectionString: string
  /** What may be sent as query instead of a signed header. */
  readonly signature: string
}

const ACCOUNT = 'fakeaccount'
const KEY = Buffer.from('s3cret-of-azure').toString('base64')
const SAS = 'sv=2024-08-04&sp=r&sig=s3cret-of-azure'
/** The headers of a string to sign, in its order. */
const SIGNED_HEADERS = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
]

/** Get Blob of the REST API of Azure, with the account in the path as Azurite has it; signed by SharedKey or SAS. */
export async function startFakeAzure(t: TestContext): Promise<FakeAzure> {
  const store = await startFakeStore(t, (request, url, { objects, refuses }) => {
    if (refuses) return failure(403, 'AuthorizationFailure')
    if (!hasSignature(url) && !isSigned(request, url)) return failure(403, 'AuthenticationFailed')
    const path = decodeURIComponent(url.pathname).slice(`/${ACCOUNT}/`.length)
    if (request.method !== 'GET' || request.headers['x-ms-version'] === undefined) return failure(400, 'InvalidInput')
    const object = objects.get(path)
    if (object === undefined) return failure(404, 'BlobNotFound')
    const etag = `"0x${createHash('md5').update(object).digest('hex').slice(0, 15).toUpperCase()}"`
    if (request.headers['if-none-match'] === etag)
      return { status: 304, headers: { 'x-ms-error-code': 'ConditionNotMet' } }
    const headers = { etag, 'content-type': 'application/octet-stream', 'x-ms-blob-type': 'BlockBlob' }
    return { status: 200, headers, body: object, isContent: true }
  })
  const host = new URL(store.url).host
  const env = {
    AZURE_STORAGE_ACCOUNT: ACCOUNT,
    AZURE_STORAGE_KEY: KEY,
    AZURE_STORAGE_DOMAIN: host,
    AZURE_STORAGE_PROTOCOL: 'http',
    AZURE_STORAGE_IS_LOCAL_EMULATOR: 'true',
    AZURE_STORAGE_IS_CDN: undefined,
    AZURE_STORAGE_SAS_TOKEN: undefined,
    AZURE_STORAGE_CONNECTION_STRING: undefined,
    AZURE_STORAGEBLOB_CONNECTIONSTRING: undefined,
  }
  const endpoint = `${store.url}/${ACCOUNT}`
  const connectionString = `AccountName=${ACCOUNT};AccountKey=${KEY};DefaultEndpointsProtocol=http;BlobEndpoint=${endpoint}`
  return Object.assign(store, { env, connectionString, signature: SAS })
}

function failure(status: number, code: string): FakeAnswer {
  const body = `<?xml version="1.0" encoding="utf-8"?>\n<Error><Code>${code}</Code><Message>says ${SAS.replaceAll('&', '&amp;')}</Message></Error>`
  return { status, headers: { 'content-type': 'application/xml', 'x-ms-error-code': code }, body }
}

function hasSignature({ searchParams }: URL): boolean {
  return [...new URLSearchParams(SAS)].every(([name, value]) => searchParams.get(name) === value)
}

/** @see [Authorize with Shared Key](https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key) */
function isSigned({ method = '', headers }: IncomingMessage, { pathname, searchParams }: URL): boolean {
  const ours = Object.keys(headers)
    .filter((name) => name.startsWith('x-ms-'))
    .sort()
    .map((name) => `${name}:${String(headers[name])}`)
  const text = [
    method,
    ...SIGNED_HEADERS.map((name) => (name === 'date' ? '' : (headers[name] ?? ''))),
    ...ours,
    `/${ACCOUNT}${pathname}`,
    ...[...searchParams].map(([name, value]) => `${name}:${value}`).sort(),
  ].join('\n')
  const signature = createHmac('sha256', Buffer.from(KEY, 'base64')).update(text).digest('base64')
  return headers.authorization === `SharedKey ${ACCOUNT}:${signature}`
}
