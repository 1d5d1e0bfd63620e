import { printable } from './format.ts'

/** The API could not be asked, or did not do what was asked. Its message is for the person at the terminal. */
export class CallError extends Error {
  override readonly name = 'CallError'
  /** Status of the answer; 0 when there was none. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const TIMEOUT_MS = 10_000
const MAX_BYTES = 64 * 1024 * 1024

/**
 * Gets a JSON document of the API.
 * @throws {CallError} when it answers anything but 200.
 */
export async function callApi(endpoint: string, path: string): Promise<unknown> {
  // Only now: its client takes longer to load than all of the command line.
  const { createOutbound } = await import('../lib/outbound.ts')
  const outbound = createOutbound({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES })
  try {
    const { status, body } = await outbound.call(`${endpoint}${path}`, {
      method: 'GET',
      headers: { accept: 'application/json' },
    })
    const document = parse(body)
    if (status !== 200) throw new CallError(status, `${endpoint}${path} answered ${status}${reasonOf(document)}`)
    if (document === undefined) throw new CallError(status, `${endpoint}${path} did not answer with JSON`)
    return document
  } catch (cause: unknown) {
    if (cause instanceof CallError) throw cause
    throw new CallError(0, cause instanceof Error ? cause.message : String(cause))
  } finally {
    await outbound.close()
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}

/** What an error document of Oathkeeper's says. */
function reasonOf(document: unknown): string {
  const { error } = (document ?? {}) as { error?: { reason?: unknown; message?: unknown } }
  const reason = error?.reason ?? error?.message
  return typeof reason === 'string' ? `: ${printable(reason)}` : ''
}
