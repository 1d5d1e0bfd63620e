import { readFile } from 'node:fs/promises'
import { filePathOf, schemeOf } from '../lib/file-location.ts'
import { OBJECT_SCHEMES } from '../lib/objects/location.ts'
import { createObjectReader, type ObjectReader } from '../lib/objects/reader.ts'
import { type Outbound, UnexpectedStatusError } from '../lib/outbound.ts'

/** Reads a small document, such as a key set, from where the configuration says that it is. */
export interface DocumentReader {
  /** @throws {Error} with a sentence when documents cannot be read by the scheme of the location. */
  check(location: string): void
  /** Reads it now. Rejects with a sentence for the operator that holds no query and no credentials. */
  read(location: string): Promise<Uint8Array>
}

type Read = (location: string) => Promise<Uint8Array>

/** As for those that are read by HTTP. */
const OBJECT_LIMITS = { timeoutMs: 10_000, maxBytes: 1024 * 1024 }

/**
 * Creates the reader for `file://` and bare paths, from the folder of the process, for `http://` and `https://`, and for
 * `s3://`, `gs://` and `azblob://`.
 */
export function createDocumentReader(outbound: Pick<Outbound, 'call'>): DocumentReader {
  const readRemote: Read = (location) => fetchDocument(location, outbound)
  const objects = createObjectDocuments()
  const readers = new Map<string, Read>([
    ['', readLocal],
    ['file', readLocal],
    ['http', readRemote],
    ['https', readRemote],
    ...OBJECT_SCHEMES.map((scheme) => [scheme, objects.read] as const),
  ])
  const readerOf = (location: string): Read => {
    const scheme = schemeOf(location)
    const reader = readers.get(scheme)
    if (reader !== undefined) return reader
    const known = [...readers.keys()].filter((name) => name !== '').map((name) => `${name}://`)
    throw new Error(`keys cannot be read by "${scheme}://"; supported are ${known.join(', ')}`)
  }
  return {
    check: (location) => {
      if (readerOf(location) === objects.read) objects.open(location)
    },
    read: async (location) => await readerOf(location)(location),
  }
}

async function readLocal(location: string): Promise<Uint8Array> {
  const path = filePathOf(location)
  try {
    return await readFile(path)
  } catch (cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown cause'
    throw new Error(`${path} cannot be read (${code})`, { cause })
  }
}

async function fetchDocument(location: string, outbound: Pick<Outbound, 'call'>): Promise<Uint8Array> {
  const { status, body } = await outbound.call(location, { method: 'GET' })
  if (status !== 200) throw new UnexpectedStatusError(location.replace(/[?#].*$/s, ''), status)
  return body
}

/** Objects of cloud stores; each keeps its client, since what that knows of credentials is dear. */
function createObjectDocuments() {
  const readers = new Map<string, ObjectReader>()
  const open = (location: string): ObjectReader => {
    const known = readers.get(location)
    if (known !== undefined) return known
    const reader = createObjectReader(location, OBJECT_LIMITS)
    readers.set(location, reader)
    return reader
  }
  const read: Read = async (location) => {
    const reader = open(location)
    const found = await reader.read()
    if (found === undefined) throw new Error(`${reader.name} has no content`)
    return found.content
  }
  return { open, read }
}
