import { Readable } from 'node:stream'
import type { BlobServiceClient, StoragePipelineOptions } from '@azure/storage-blob'
import { azureAccount, azureServiceUrl } from './azure-account.ts'
import { type ConnectObject, type GetOptions, ObjectError, type OpenedObject } from './client.ts'
import { statusOf } from './failure.ts'
import { loadSdk } from './load-sdk.ts'
import type { ObjectLocation } from './location.ts'

/** Azure Blob Storage. The account comes from the variables that Oathkeeper reads. */
export const connectAzure: ConnectObject = async (location, timeoutMs) => {
  const service = await connectService(location, {
    // Whoever reads the object tries again.
    retryOptions: { maxTries: 1, tryTimeoutInMs: timeoutMs },
  })
  const blob = service.getContainerClient(location.bucket).getBlobClient(location.key)

  async function get({ known, signal }: GetOptions): Promise<OpenedObject | undefined> {
    try {
      const answer = await blob.download(0, undefined, {
        abortSignal: signal,
        maxRetryRequests: 0,
        ...(known !== undefined && { conditions: { ifNoneMatch: known } }),
      })
      const { readableStreamBody: stream, contentLength, etag } = answer
      if (!(stream instanceof Readable)) throw new ObjectError(`${location.name} has no content`)
      return { stream, size: contentLength, version: etag }
    } catch (cause: unknown) {
      if (known !== undefined && statusOf(cause) === 304) return undefined
      throw cause
    }
  }

  return { get, close() {} }
}

async function connectService(location: ObjectLocation, options: StoragePipelineOptions): Promise<BlobServiceClient> {
  const { BlobServiceClient, StorageSharedKeyCredential } = await loadSdk(
    location,
    '@azure/storage-blob',
    () => import('@azure/storage-blob'),
  )
  const account = azureAccount(process.env)
  if (account.kind === 'connection string') {
    try {
      return BlobServiceClient.fromConnectionString(account.connectionString, options)
    } catch (cause: unknown) {
      throw new ObjectError('AZURE_STORAGE_CONNECTION_STRING is no connection string of a storage account', { cause })
    }
  }
  const url = azureServiceUrl(account.name, process.env)
  if (account.kind === 'key') {
    return new BlobServiceClient(url, new StorageSharedKeyCredential(account.name, account.key), options)
  }
  if (account.kind === 'signature') return new BlobServiceClient(`${url}?${account.signature}`, undefined, options)
  const { DefaultAzureCredential } = await loadSdk(location, '@azure/identity', () => import('@azure/identity'))
  return new BlobServiceClient(url, new DefaultAzureCredential(), options)
}
