import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import { rateLimited } from '../kernel/rate-limited.ts'
import { type Outbound, OutboundError, type OutboundResponse } from '../lib/outbound.ts'
import { createSingleFlight } from '../lib/single-flight.ts'
import { type ClientGrant, requestClientToken } from './client-token.ts'

export interface ClientLoginOptions extends Omit<ClientGrant, 'clientId' | 'clientSecret'> {
  readonly cache: ClientLoginCache | undefined
}

export interface ClientLoginCache {
  /** The longest time that an accepted client is remembered; nothing: as long as its token is good. */
  readonly ttlMs: number | undefined
  readonly maxClients: number
}

/** Lets a token endpoint say whether a client is who it claims to be. */
export interface ClientLogin {
  /**
   * Resolves when the endpoint grants the client a token; answers at once, with nothing, while that is remembered.
   * @throws {GateError} ERR_CREDENTIALS_INVALID, ERR_RATE_LIMITED, ERR_TOKEN_ENDPOINT_…
   */
  check(clientId: string, clientSecret: string): void | Promise<void>
}

/** They live as long as the process; those with the same options remember the same clients. */
export interface ClientLogins {
  with(options: ClientLoginOptions): ClientLogin
}

export interface ClientLoginsDeps {
  readonly outbound: Pick<Outbound, 'call'>
  readonly clock: Clock
}

const MAX_ENDPOINTS = 1000
const MAX_CLIENTS = 100_000
/** Where neither the token nor the configuration says how long. */
const DEFAULT_TTL_MS = 3_600_000

/** Creates the checks. */
export function createClientLogins(deps: ClientLoginsDeps): ClientLogins {
  const known = new LRUCache<string, ClientLogin>({ max: MAX_ENDPOINTS })
  return {
    with(options) {
      const { target, parameters, retry, cache } = options
      const key = JSON.stringify([target.origin, target.path, [...parameters], retry, cache])
      let login = known.get(key)
      if (login === undefined) {
        login = createClientLogin(options, deps)
        known.set(key, login)
      }
      return login
    },
  }
}

function createClientLogin(options: ClientLoginOptions, { outbound, clock }: ClientLoginsDeps): ClientLogin {
  const { cache } = options
  const flight = createSingleFlight<void>()
  /** Until when a client counts as accepted. */
  const accepted =
    cache === undefined ? undefined : new LRUCache<string, number>({ max: Math.min(cache.maxClients, MAX_CLIENTS) })

  async function ask(key: string, clientId: string, clientSecret: string): Promise<void> {
    const grant = { ...options, clientId, clientSecret }
    const answer = await requestClientToken(outbound, grant, 'basic').catch(throwUnavailable)
    if (answer.kind === 'refused') throw refusal(answer.response)
    if (answer.kind === 'unusable') {
      throw new GateError('ERR_TOKEN_ENDPOINT_UNAVAILABLE', { detail: answer.detail })
    }
    const { lifetimeMs = cache?.ttlMs ?? DEFAULT_TTL_MS } = answer
    accepted?.set(key, clock.now() + Math.min(lifetimeMs, cache?.ttlMs ?? lifetimeMs))
  }

  return {
    check(clientId, clientSecret) {
      // A digest of the list of both: neither a secret in memory nor two pairs that are one when they are joined (V-049).
      const key = hash('sha256', JSON.stringify([clientId, clientSecret]), 'base64url')
      const until = accepted?.get(key)
      if (until !== undefined && clock.now() < until) return undefined
      return flight.run(key, () => ask(key, clientId, clientSecret))
    },
  }
}

function throwUnavailable(cause: unknown): never {
  if (!(cause instanceof OutboundError)) throw cause
  throw new GateError('ERR_TOKEN_ENDPOINT_UNAVAILABLE', { cause, detail: cause.message })
}

function refusal(response: OutboundResponse): GateError {
  const detail = `the token endpoint answered with status ${response.status}`
  switch (response.status) {
    case 429:
      return rateLimited(response)
    case 503:
      return new GateError('ERR_TOKEN_ENDPOINT_UNAVAILABLE', { detail })
    case 504:
      return new GateError('ERR_TOKEN_ENDPOINT_TIMEOUT', { detail })
    case 500:
      return new GateError('ERR_TOKEN_ENDPOINT_FAILED', { detail })
    case 404:
      return new GateError('ERR_TOKEN_ENDPOINT_NOT_FOUND', { detail })
    default:
      return new GateError('ERR_CREDENTIALS_INVALID', { detail })
  }
}
