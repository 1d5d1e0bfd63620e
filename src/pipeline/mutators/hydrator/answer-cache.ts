import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../../kernel/clock.ts'
import { createSingleFlight } from '../../../lib/single-flight.ts'
import type { HydratorAnswer } from './ask-hydrator.ts'

/** Answers of a hydrator for questions that are equal in everything that it is told. */
export interface AnswerCache {
  /** The answer that is kept for the question, else what `ask` gives; of equal questions at the same time one is asked. */
  get(question: readonly string[], ask: () => Promise<HydratorAnswer>): HydratorAnswer | Promise<HydratorAnswer>
}

interface Kept {
  readonly answer: HydratorAnswer
  readonly expiresAt: number
}

/** Octets of all kept answers together; what was not used for longest goes first. */
const MAX_CACHE_BYTES = 8 * 1024 * 1024
/** What an entry takes beside its answer. */
const ENTRY_BYTES = 256

/** Creates the cache of one configuration. Only answers that can be used are kept, and none beyond its time. */
export function createAnswerCache(ttlMs: number, clock: Clock, maxBytes: number = MAX_CACHE_BYTES): AnswerCache {
  const kept = new LRUCache<string, Kept>({
    maxSize: maxBytes,
    sizeCalculation: ({ answer }) => answer.size + ENTRY_BYTES,
  })
  const flights = createSingleFlight<HydratorAnswer>()

  const askAndKeep = async (key: string, ask: () => Promise<HydratorAnswer>): Promise<HydratorAnswer> => {
    const askedAt = clock.now()
    const answer = await ask()
    kept.set(key, { answer, expiresAt: askedAt + ttlMs })
    return answer
  }

  return {
    get(question, ask) {
      // A digest: the question holds every header of the request, and is much longer than most answers.
      const key = hash('sha256', JSON.stringify(question), 'base64')
      const known = kept.get(key)
      if (known !== undefined && clock.now() < known.expiresAt) return known.answer
      return flights.run(key, () => askAndKeep(key, ask))
    },
  }
}
