import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { schemeOf } from '../lib/file-location.ts'
import { createRemoteValue } from '../lib/remote-value.ts'
import { parseStrictJsonBytes } from '../lib/strict-json.ts'
import type { DocumentReader } from './read-document.ts'
import { parseSigningKeys, type PublicJwk, type SigningKeySet } from './signing-key.ts'

/** The key set at one location, read again from time to time. */
export interface SigningKeySource {
  /** The set in force; the same object until what is read is another. Rejects while it could never be read. */
  current(): SigningKeySet | Promise<SigningKeySet>
}

/** The key sets with which tokens are signed, by where they are. */
export interface SigningKeys {
  /** @throws {Error} with a sentence when keys cannot be read from there. */
  at(location: string): SigningKeySource
  /** The public keys of all sets that can be read; nothing when none can. */
  publicKeys(locations: readonly string[]): Promise<readonly PublicJwk[] | undefined>
}

export interface SigningKeysOptions {
  readonly reader: DocumentReader
  readonly clock: Clock
  readonly logger: Logger
  /** Reads a set as soon as it is named, so that the first request does not wait and a mistake is told at start. */
  readonly readsAhead: boolean
}

const MAX_LOCATIONS = 1000
/** A changed file is seen within this time, a changed remote set within that. */
const FILE_MAX_AGE_MS = 2_000
const REMOTE_MAX_AGE_MS = 30_000
/** How long after a failure nothing is read again. */
const BACKOFF_MS = 1_000

/** Creates the holder of all sets. A set that was good stays good while it cannot be read. */
export function createSigningKeys(options: SigningKeysOptions): SigningKeys {
  const { reader, readsAhead } = options
  const sources = new LRUCache<string, SigningKeySource>({ max: MAX_LOCATIONS })

  const at = (location: string): SigningKeySource => {
    const known = sources.get(location)
    if (known !== undefined) return known
    reader.check(location)
    const source = createSource(location, options)
    sources.set(location, source)
    // A failure is in the log already.
    if (readsAhead) Promise.resolve(source.current()).catch(() => {})
    return source
  }

  return {
    at,
    async publicKeys(locations) {
      const reads = locations.map(async (location) => await at(location).current())
      const sets = (await Promise.allSettled(reads)).filter((read) => read.status === 'fulfilled')
      return sets.length === 0 ? undefined : sets.flatMap(({ value }) => value.publicKeys)
    },
  }
}

function createSource(location: string, { reader, clock, logger }: SigningKeysOptions): SigningKeySource {
  const isRemote = !/^(?:file)?$/.test(schemeOf(location))
  let last: { readonly document: Uint8Array; readonly set: SigningKeySet } | undefined

  async function load(): Promise<SigningKeySet> {
    try {
      const document = await reader.read(location)
      // The same keys stay the same object, so that the tokens signed with them stay good.
      if (last !== undefined && Buffer.compare(last.document, document) === 0) return last.set
      const set = parseSigningKeys(parseStrictJsonBytes(document))
      if (typeof set.signingKey === 'string') logger.error({}, `id_token: ${plain(location)}: ${set.signingKey}`)
      last = { document, set }
      return set
    } catch (cause: unknown) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      logger.error({}, `id_token: the key set at ${plain(location)} cannot be taken: ${reason}`)
      throw cause
    }
  }

  const set = createRemoteValue<SigningKeySet>({
    load,
    now: () => clock.now(),
    maxAgeMs: isRemote ? REMOTE_MAX_AGE_MS : FILE_MAX_AGE_MS,
    cooldownMs: BACKOFF_MS,
    backoffMs: BACKOFF_MS,
  })
  return { current: () => set.get() }
}

/** A location without credentials and query. */
function plain(location: string): string {
  return location.replace(/[?#].*$/s, '').replace(/^([^/]*:\/\/)[^/]*@/, '$1')
}
