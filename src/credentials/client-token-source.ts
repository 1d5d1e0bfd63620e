import type { Clock } from '../kernel/clock.ts'
import type { Outbound } from '../lib/outbound.ts'
import { type ClientAuthentication, type ClientGrant, requestClientToken } from './client-token.ts'

/** Gives a token of our own client, the same one until it is about to expire. */
export interface ClientTokenSource {
  /** Rejects when the token endpoint gives none. */
  get(): Promise<string>
  /** Forgets a token that was not accepted. */
  drop(token: string): void
}

/** How long before its end a token is not used any more. */
const EXPIRES_EARLY_MS = 10_000

/** Creates the source. How the client has to prove itself is found out: by `Authorization` first, then in the form. */
export function createClientTokenSource(
  grant: ClientGrant,
  { outbound, clock }: { readonly outbound: Pick<Outbound, 'call'>; readonly clock: Clock },
): ClientTokenSource {
  let known: { readonly token: string; readonly until: number } | undefined
  let flight: Promise<string> | undefined
  let proven: ClientAuthentication | undefined

  async function fetchToken(): Promise<string> {
    let failure: unknown
    for (const authentication of proven === undefined ? (['basic', 'post'] as const) : [proven]) {
      try {
        return await fetchBy(authentication)
      } catch (cause: unknown) {
        failure = cause
      }
    }
    throw failure
  }

  async function fetchBy(authentication: ClientAuthentication): Promise<string> {
    const answer = await requestClientToken(outbound, grant, authentication)
    if (answer.kind === 'refused') {
      throw new Error(`the token endpoint answered with status ${answer.response.status}`)
    }
    if (answer.kind === 'unusable') throw new Error(answer.detail)
    const { accessToken: token, lifetimeMs } = answer
    proven = authentication
    known = { token, until: lifetimeMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + lifetimeMs }
    return token
  }

  return {
    async get() {
      if (known !== undefined && clock.now() < known.until - EXPIRES_EARLY_MS) return known.token
      flight ??= fetchToken().finally(() => {
        flight = undefined
      })
      return flight
    },
    drop(token) {
      if (known?.token === token) known = undefined
    },
  }
}
