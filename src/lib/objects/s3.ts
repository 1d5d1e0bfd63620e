import { Readable } from 'node:stream'
import { type ConnectObject, type GetOptions, ObjectError, type OpenedObject } from './client.ts'
import { asCredentialsError, statusOf } from './failure.ts'
import { loadSdk } from './load-sdk.ts'

/** Amazon S3, and what speaks as it does at `AWS_ENDPOINT_URL_S3`. The SDK finds region and credentials as it always does. */
export const connectS3: ConnectObject = async (location) => {
  const { GetObjectCommand, S3Client } = await loadSdk(
    location,
    '@aws-sdk/client-s3',
    () => import('@aws-sdk/client-s3'),
  )
  const client = new S3Client({
    // Whoever reads the object tries again.
    maxAttempts: 1,
    // Other stores seldom have a host name for each bucket.
    forcePathStyle: isElsewhere(process.env),
  })
  const Bucket = location.bucket
  const Key = location.key

  /** Tells what is missing here from what the store says; the SDK keeps both. */
  async function prepare(): Promise<void> {
    try {
      await client.config.region()
    } catch (cause: unknown) {
      throw new ObjectError('s3:// needs a region: set AWS_REGION, or region in the AWS configuration file', { cause })
    }
    try {
      await client.config.credentials()
    } catch (cause: unknown) {
      throw asCredentialsError(cause, location)
    }
  }

  async function get({ known, signal }: GetOptions): Promise<OpenedObject | undefined> {
    await prepare()
    try {
      const command = new GetObjectCommand({ Bucket, Key, ...(known !== undefined && { IfNoneMatch: known }) })
      const { Body, ContentLength, ETag } = await client.send(command, { abortSignal: signal })
      if (!(Body instanceof Readable)) throw new ObjectError(`${location.name} has no content`)
      return { stream: Body, size: ContentLength, version: ETag }
    } catch (cause: unknown) {
      if (known !== undefined && statusOf(cause) === 304) return undefined
      throw cause
    }
  }

  return { get, close: () => client.destroy() }
}

function isElsewhere({ AWS_ENDPOINT_URL_S3: own, AWS_ENDPOINT_URL: general }: NodeJS.ProcessEnv): boolean {
  return (own ?? general ?? '') !== ''
}
