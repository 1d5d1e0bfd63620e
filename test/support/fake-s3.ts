import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import { type FakeAnswer, type FakeStore, startFakeStore } from './fake-store.ts'

export interface FakeS3 extends FakeStore {
  /** What points the SDK here. */
  readonly env: Readonly<Record<string, string | undefined>>
}

const ACCOUNT = 'AKIAFAKE'
const SECRET = 's3cret-of-s3'
const REGION = 'us-east-1'

/** GetObject of the S3 REST API: path style, signed by AWS Signature Version 4, ETags. */
export async function startFakeS3(t: TestContext): Promise<FakeS3> {
  const store = await startFakeStore(t, (request, url, { objects, refuses }) => {
    if (refuses) return failure(403, 'AccessDenied')
    if (!isSigned(request, url)) return failure(403, 'SignatureDoesNotMatch')
    if (request.method !== 'GET' || url.searchParams.get('x-id') !== 'GetObject') return failure(501, 'NotImplemented')
    const object = objects.get(decodeURIComponent(url.pathname.slice(1)))
    if (object === undefined) return failure(404, 'NoSuchKey')
    const etag = `"${createHash('md5').update(object).digest('hex')}"`
    if (request.headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
    return { status: 200, headers: { etag, 'content-type': 'binary/octet-stream' }, body: object, isContent: true }
  })
  const env = {
    AWS_ENDPOINT_URL_S3: store.url,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: ACCOUNT,
    AWS_SECRET_ACCESS_KEY: SECRET,
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  return Object.assign(store, { env })
}

function failure(status: number, code: string): FakeAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>says ${SECRET}</Message></Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body }
}

/** @see [Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html) */
function isSigned({ method = '', headers }: IncomingMessage, url: URL): boolean {
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  )
  const [, credential = '', signedHeaders = '', signature = ''] = parts ?? []
  const [account, ...scope] = credential.split('/')
  const [day = '', region = '', service = '', end = ''] = scope
  if (account !== ACCOUNT || region !== REGION || service !== 's3' || end !== 'aws4_request') return false
  const canonical = [
    method,
    url.pathname,
    [...url.searchParams]
      .map((pair) => pair.map(encodeURIComponent).join('='))
      .sort()
      .join('&'),
    ...signedHeaders.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signedHeaders,
    String(headers['x-amz-content-sha256']),
  ].join('\n')
  const text = [
    'AWS4-HMAC-SHA256',
    String(headers['x-amz-date']),
    scope.join('/'),
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n')
  const key = [day, region, service, end].reduce<Buffer>((made, part) => hmac(made, part), Buffer.from(`AWS4${SECRET}`))
  return hmac(key, text).toString('hex') === signature
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
