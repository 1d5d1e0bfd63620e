import { type ConnectObject, type GetOptions, ObjectError, type OpenedObject } from './client.ts'
import { loadSdk } from './load-sdk.ts'

const API_PATH = '/storage/v1'

/** Google Cloud Storage, or an emulator at `STORAGE_EMULATOR_HOST`. The SDK finds credentials as it always does. */
export const connectGoogle: ConnectObject = async (location, timeoutMs) => {
  const { Storage } = await loadSdk(location, '@google-cloud/storage', () => import('@google-cloud/storage'))
  // Whoever reads the object tries again.
  const storage = new Storage({ retryOptions: { autoRetry: false }, timeout: timeoutMs })
  const emulator = process.env['STORAGE_EMULATOR_HOST'] ?? ''
  if (emulator !== '') storage.baseUrl = emulatorUrl(emulator)
  const bucket = storage.bucket(location.bucket)

  async function get({ known }: GetOptions): Promise<OpenedObject | undefined> {
    // The SDK has no condition for a download; a generation never changes, and the one that was asked about is read.
    const [{ generation, size }] = await bucket.file(location.key).getMetadata()
    if (generation === undefined) throw new ObjectError(`${location.name} has no generation`)
    const version = String(generation)
    if (version === known) return undefined
    const stream = bucket.file(location.key, { generation: version }).createReadStream()
    return { stream, size: size === undefined ? undefined : Number(size), version }
  }

  return { get, close() {} }
}

/** The SDK takes the variable for the whole URL of the API, while those for other languages take the host alone. */
function emulatorUrl(host: string): string {
  const url = (/^https?:\/\//i.test(host) ? host : `http://${host}`).replace(/\/+$/, '')
  return url.endsWith(API_PATH) ? url : url + API_PATH
}
