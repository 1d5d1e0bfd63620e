import { addAbortSignal } from 'node:stream'
import { connectAzure } from './azure.ts'
import { type ConnectObject, type ObjectClient, ObjectError, type OpenedObject } from './client.ts'
import { asObjectError } from './failure.ts'
import { connectGoogle } from './google.ts'
import { type ObjectScheme, parseObjectLocation } from './location.ts'
import { connectS3 } from './s3.ts'

export interface ObjectLimits {
  /** For everything: loading the SDK, finding credentials, the last octet. */
  readonly timeoutMs: number
  /** A larger object is refused. */
  readonly maxBytes: number
}

export interface ObjectContent {
  readonly content: Uint8Array
  readonly version: string | undefined
}

/** Reads one object of a cloud store. */
export interface ObjectReader {
  /** Where, without credentials. */
  readonly name: string
  /**
   * Reads it; gives nothing when it still is the version that is known.
   * @throws {ObjectError} whose message holds no credentials.
   */
  read(known?: string): Promise<ObjectContent | undefined>
  close(): void
}

/** Every kind of store. A new one is one file and one line here. */
const CONNECT: Readonly<Record<ObjectScheme, ConnectObject>> = {
  s3: connectS3,
  gs: connectGoogle,
  azblob: connectAzure,
}

/**
 * Prepares to read an object, and begins to load the SDK of its vendor.
 * @throws {Error} with a sentence when the location is none.
 */
export function createObjectReader(location: string, { timeoutMs, maxBytes }: ObjectLimits): ObjectReader {
  const place = parseObjectLocation(location)
  let client: Promise<ObjectClient> | undefined
  const connect = (): Promise<ObjectClient> => {
    if (client !== undefined) return client
    const connecting = CONNECT[place.scheme](place, timeoutMs)
    // What is missing may come: the next read tries again.
    connecting.catch(() => (client = undefined))
    client = connecting
    return connecting
  }
  void connect()

  async function read(known: string | undefined, signal: AbortSignal): Promise<ObjectContent | undefined> {
    const opened = await (await connect()).get({ known, signal })
    if (opened === undefined) return undefined
    return { content: await readCapped(opened, signal), version: opened.version }
  }

  async function readCapped({ stream, size }: OpenedObject, signal: AbortSignal): Promise<Uint8Array> {
    addAbortSignal(signal, stream)
    const chunks: Uint8Array[] = []
    let taken = 0
    // Told before a single octet is read, where the store says how many there are.
    let isTooLarge = size !== undefined && size > maxBytes
    if (!isTooLarge) {
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        taken += chunk.length
        isTooLarge = taken > maxBytes
        if (isTooLarge) break
        chunks.push(chunk)
      }
    }
    if (isTooLarge) throw new ObjectError(`${place.name} has more than ${maxBytes} bytes`)
    return Buffer.concat(chunks)
  }

  return {
    name: place.name,
    async read(known) {
      const gaveUp = new AbortController()
      const { promise: tooLate, reject } = Promise.withResolvers<never>()
      // A deadline of ours: those of the SDKs begin anew with each attempt and each look for credentials.
      const timer = setTimeout(() => reject(new ObjectError(`${place.name} did not answer in time`)), timeoutMs)
      try {
        const reading = read(known, gaveUp.signal)
        return await Promise.race([reading, tooLate])
      } catch (cause: unknown) {
        gaveUp.abort()
        throw asObjectError(cause, place)
      } finally {
        clearTimeout(timer)
      }
    },
    close() {
      void client?.then(
        (opened) => opened.close(),
        () => {},
      )
    },
  }
}
