import type { Clock } from '../kernel/clock.ts'
import { createRemoteValue, type RemoteValue } from '../lib/remote-value.ts'
import { parseStrictJsonBytes } from '../lib/strict-json.ts'
import type { AlgorithmName } from './algorithms.ts'
import { type KeySource, parseJwks, selectKeys, type VerificationKey } from './key-set.ts'
import type { DocumentReader } from './read-document.ts'

export interface KeySetsOptions {
  readonly reader: DocumentReader
  readonly clock: Clock
}

/** Where keys are, and how long anybody waits for them. */
export interface KeyLocations {
  /** In order: a key of an earlier set comes first. */
  readonly locations: readonly string[]
  /** Older sets are read anew, and kept in use while that fails. */
  readonly maxAgeMs: number
  /** The longest wait for sets that are being read; then what is at hand counts, however old. */
  readonly maxWaitMs: number
}

/** Key sets for verification by where they are. They live as long as the process: a reload loses no good key. */
export interface KeySets {
  /** @throws {Error} with a sentence when keys cannot be read from one of the locations. */
  open(options: KeyLocations): KeySource
}

type Keys = readonly VerificationKey[]

/**
 * The least time between two reads that one source begins for key ids which are not in its sets (B-18): whatever the
 * number of tokens, there are no more reads than sources.
 */
const COOLDOWN_MS = 30_000
/** How long after a failed read no other begins (V-127). */
const BACKOFF_MS = 10_000
const MIN_AGE_MS = 1_000

/** Creates the holder of all key sets. */
export function createKeySets({ reader, clock }: KeySetsOptions): KeySets {
  const sets = new Map<string, RemoteValue<Keys>>()

  const setAt = (location: string, maxAgeMs: number): RemoteValue<Keys> => {
    const key = JSON.stringify([location, maxAgeMs])
    const known = sets.get(key)
    if (known !== undefined) return known
    reader.check(location)
    const set = createRemoteValue<Keys>({
      load: async () => readKeys(await reader.read(location)),
      now: () => clock.now(),
      maxAgeMs: Math.max(maxAgeMs, MIN_AGE_MS),
      cooldownMs: 0,
      backoffMs: BACKOFF_MS,
    })
    sets.set(key, set)
    return set
  }

  return {
    open: ({ locations, maxAgeMs, maxWaitMs }) => {
      const opened = locations.map((location) => setAt(location, maxAgeMs))
      return createSource(opened, clock, maxWaitMs)
    },
  }
}

function readKeys(document: Uint8Array): Keys {
  const keys = parseJwks(parseStrictJsonBytes(document), { acceptsSecrets: true, requiresUse: true })
  // Nobody means to withdraw all keys at once; taken at its word, one bad deployment would refuse every token.
  if (keys.length === 0) throw new Error('the key set holds no key that can be used')
  return keys
}

function createSource(sets: readonly RemoteValue<Keys>[], clock: Clock, maxWaitMs: number): KeySource {
  let reloadedAt = Number.NEGATIVE_INFINITY
  const selectAtHand = (algorithm: AlgorithmName, kid: string | undefined): Keys =>
    sets.flatMap((set) => selectKeys(set.peek() ?? NONE, algorithm, kid))

  /** A key of that name is there, and does not fit: reading the sets anew would not make it fit. */
  const isKnown = (kid: string | undefined): boolean =>
    sets.some((set) => (set.peek() ?? NONE).some((key) => key.kid === kid))

  async function findLater(
    reading: ReadonlyMap<RemoteValue<Keys>, Promise<Keys>>,
    algorithm: AlgorithmName,
    kid: string | undefined,
  ): Promise<Keys> {
    const areRead = await settle([...reading.values()], maxWaitMs, clock)
    const found = selectAtHand(algorithm, kid)
    if (found.length > 0 || isKnown(kid)) return found
    // A set that was read just now has nothing newer to say.
    const others = sets.filter((set) => !reading.has(set))
    if (areRead && others.length > 0 && clock.now() - reloadedAt >= COOLDOWN_MS) {
      reloadedAt = clock.now()
      const reloads = others.map((set) => set.reload())
      await settle(reloads, maxWaitMs, clock)
    }
    if (sets.every((set) => set.peek() === undefined)) throw new Error('none of the key sets could be read')
    return selectAtHand(algorithm, kid)
  }

  return {
    find(algorithm, kid) {
      const reading = new Map<RemoteValue<Keys>, Promise<Keys>>()
      for (const set of sets) {
        const keys = set.get()
        if (keys instanceof Promise) {
          // Nobody may be left to wait for it; its failure is kept where it happened.
          keys.catch(() => {})
          reading.set(set, keys)
          continue
        }
        const found = selectKeys(keys, algorithm, kid)
        if (found.length > 0) return found
      }
      return findLater(reading, algorithm, kid)
    },
  }
}

const NONE: Keys = []

/** Waits for reads, but not for ever; false when one is still going on. */
async function settle(reads: readonly Promise<Keys>[], maxWaitMs: number, clock: Clock): Promise<boolean> {
  if (reads.length === 0) return true
  const { promise: tooLate, resolve } = Promise.withResolvers<boolean>()
  const cancel = clock.schedule(Math.max(maxWaitMs, 1), () => resolve(false))
  const areRead = await Promise.race([Promise.allSettled(reads).then(() => true), tooLate])
  cancel()
  return areRead
}
