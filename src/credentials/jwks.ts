import type { Clock } from '../kernel/clock.ts'
import { type Outbound, UnexpectedStatusError } from '../lib/outbound.ts'
import { createRemoteValue } from '../lib/remote-value.ts'
import { parseStrictJsonBytes } from '../lib/strict-json.ts'
import { type KeySource, parseJwks, selectKeys, type VerificationKey } from './key-set.ts'

export interface RemoteKeySetOptions {
  /** Where the JWK Set is. Asked before each fetch, so that it may come from a discovery document. */
  readonly url: () => string | Promise<string>
  /** Its deadline and size limit hold for each fetch. */
  readonly outbound: Outbound
  readonly clock: Clock
  /** Default 10 minutes: older keys are fetched anew, and kept in use while that fails. */
  readonly maxAgeMs?: number
  /** Default 30 seconds: the least time between two fetches for key ids that are not in the set. */
  readonly cooldownMs?: number
  /** Default 10 seconds: how long after a failed fetch no other begins. */
  readonly backoffMs?: number
}

const MAX_AGE_MS = 600_000
const COOLDOWN_MS = 30_000
const BACKOFF_MS = 10_000

/**
 * Creates the key set behind a `jwks_uri`. Keys that were good stay good while the address cannot be asked; tokens with
 * invented key ids cause one fetch per cool-down, whatever their number.
 */
export function createRemoteKeySet(options: RemoteKeySetOptions): KeySource {
  const { url, outbound, clock } = options
  const keys = createRemoteValue<readonly VerificationKey[]>({
    load: async () => fetchKeys(await url(), outbound),
    now: () => clock.now(),
    maxAgeMs: options.maxAgeMs ?? MAX_AGE_MS,
    cooldownMs: options.cooldownMs ?? COOLDOWN_MS,
    backoffMs: options.backoffMs ?? BACKOFF_MS,
  })
  return {
    find(algorithm, kid) {
      const current = keys.get()
      if (!(current instanceof Promise)) {
        const found = selectKeys(current, algorithm, kid)
        if (found.length > 0) return found
      }
      return findLater(current)

      async function findLater(pending: typeof current): Promise<VerificationKey[]> {
        const found = selectKeys(await pending, algorithm, kid)
        return found.length > 0 ? found : selectKeys(await keys.reload(), algorithm, kid)
      }
    },
  }
}

async function fetchKeys(url: string, outbound: Outbound): Promise<VerificationKey[]> {
  const { status, body } = await outbound.call(url, { method: 'GET', headers: { accept: 'application/json' } })
  if (status !== 200) throw new UnexpectedStatusError('the key set', status)
  const keys = parseJwks(parseStrictJsonBytes(body))
  // Nobody means to withdraw all keys at once; taken at its word, one bad deployment would refuse every token.
  if (keys.length === 0) throw new Error('the key set holds no key that can be used')
  return keys
}
