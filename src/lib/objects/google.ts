import { Agent, request } from 'undici'
import { type ConnectObject, type GetOptions, ObjectError, type OpenedObject } from './client.ts'
import { asCredentialsError } from './failure.ts'
import { loadSdk } from './load-sdk.ts'

const API_PATH = '/storage/v1'

/**
 * Google Cloud Storage, or an emulator at `STORAGE_EMULATOR_HOST`. The SDK finds credentials and the place of the API; its
 * own download has neither a condition nor an end.
 */
export const connectGoogle: ConnectObject = async (location, timeoutMs) => {
  const { Storage } = await loadSdk(location, '@google-cloud/storage', () => import('@google-cloud/storage'))
  const { apiEndpoint, authClient } = new Storage()
  const emulator = process.env['STORAGE_EMULATOR_HOST'] ?? ''
  const base = emulator === '' ? apiEndpoint + API_PATH : emulatorUrl(emulator)
  const object = `${base}/b/${encodeURIComponent(location.bucket)}/o/${encodeURIComponent(location.key)}`
  const agent = new Agent({ connections: 1, allowH2: false, connect: { timeout: timeoutMs } })

  const authorization = async (): Promise<Record<string, string>> => {
    if (emulator !== '') return {}
    try {
      return Object.fromEntries(new Headers(await authClient.getRequestHeaders(object)))
    } catch (cause: unknown) {
      throw asCredentialsError(cause, location)
    }
  }

  async function get({ known, signal }: GetOptions): Promise<OpenedObject | undefined> {
    const condition = known === undefined ? '' : `&ifGenerationNotMatch=${known}`
    const { statusCode, headers, body } = await request(`${object}?alt=media${condition}`, {
      headers: { ...(await authorization()), 'accept-encoding': 'identity' },
      dispatcher: agent,
      signal,
    })
    if (statusCode === 200 && (headers['content-encoding'] ?? 'identity') === 'identity') {
      const [size, generation] = [headers['content-length'], headers['x-goog-generation']]
      const version = typeof generation === 'string' && /^\d+$/.test(generation) ? generation : undefined
      return { stream: body, size: size === undefined ? undefined : Number(size), version }
    }
    body.on('error', () => {}).destroy()
    if (statusCode === 304 && known !== undefined) return undefined
    throw new ObjectError(
      statusCode === 200
        ? `${location.name} is kept in an encoding, and not to be decoded by the store`
        : `${location.name} answered ${statusCode}, and not 200`,
    )
  }

  return { get, close: () => void agent.destroy() }
}

/** The SDK takes the variable for the whole URL of the API, while those for other languages take the host alone. */
function emulatorUrl(host: string): string {
  const url = (/^https?:\/\//i.test(host) ? host : `http://${host}`).replace(/\/+$/, '')
  return url.endsWith(API_PATH) ? url : url + API_PATH
}
