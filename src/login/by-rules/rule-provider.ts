import { hash } from 'node:crypto'
import { createRemoteKeySet } from '../../credentials/jwks.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Outbound } from '../../lib/outbound.ts'
import { createRemoteValue } from '../../lib/remote-value.ts'
import { fetchMetadata } from '../discovery.ts'
import type { Provider } from '../provider.ts'
import { toProviderError } from '../provider-error.ts'
import type { ProviderMetadata } from '../provider-metadata.ts'
import { discoverIssuer } from './discover-issuer.ts'
import type { RuleBeginOptions, RuleClientOptions } from './options.ts'

export interface RuleProviderDeps {
  readonly outbound: Outbound
  readonly clock: Clock
  readonly logger: Logger
}

const METADATA_MAX_AGE_MS = 3_600_000
const METADATA_BACKOFF_MS = 100
const KEYS_BACKOFF_MS = 1000
const MAX_HOST_CHARS = 48
const HASH_CHARS = 10

/**
 * Names a provider in cookies, logs and sessions: the same for all instances, and another one for whatever makes its requests
 * other ones.
 */
export function ruleProviderId(begin: RuleBeginOptions): string {
  const { authorizationUrl, clientId, redirectUrl, scopes, authorizationParams } = begin
  const host = new URL(authorizationUrl).hostname.replace(/[^a-z0-9]+/g, '-').slice(0, MAX_HOST_CHARS)
  const facts = [authorizationUrl, clientId, redirectUrl, scopes, Object.entries(authorizationParams).sort()]
  return `${host}-${hash('sha256', JSON.stringify(facts), 'hex').slice(0, HASH_CHARS)}`
}

/**
 * Creates the provider that a rule begins logins at and another one finishes them with. Its endpoints are those of the rules;
 * who signs its ID tokens is found out, once it is needed.
 */
export function createRuleProvider(
  begin: RuleBeginOptions,
  client: RuleClientOptions,
  { outbound, clock, logger }: RuleProviderDeps,
): Provider {
  const id = ruleProviderId(begin)
  let isIssuerKnown = false
  const load = async (): Promise<ProviderMetadata> => {
    try {
      const metadata = await findMetadata(begin, client, outbound)
      // What was known once is not forgotten for an answer that says less.
      if (isIssuerKnown && metadata.issuer === undefined) throw new Error('the discovery document is gone')
      isIssuerKnown = metadata.issuer !== undefined
      if (!isIssuerKnown) logger.warn({ provider: id }, UNSIGNED)
      return metadata
    } catch (cause: unknown) {
      const error = toProviderError(cause, id)
      logger.warn(
        { provider: id, error_error_code: error.code, detail: error.detail },
        'the discovery document cannot be used',
      )
      throw error
    }
  }
  const remote = createRemoteValue({
    load,
    now: () => clock.now(),
    maxAgeMs: METADATA_MAX_AGE_MS,
    cooldownMs: METADATA_MAX_AGE_MS,
    backoffMs: METADATA_BACKOFF_MS,
  })
  const metadata = () => remote.get()
  return {
    id,
    options: {
      id,
      // Its own name where the issuer is not known.
      issuer: begin.authorizationUrl,
      clientId: client.clientId,
      clientSecret: client.clientSecret,
      authMethod: client.authMethod,
      scopes: begin.scopes,
      authorizationParams: begin.authorizationParams,
      userinfo: true,
      caFile: undefined,
    },
    authMethod: client.authMethod,
    scopes: begin.scopes,
    outbound,
    metadata,
    keys: createRemoteKeySet({
      url: async () => (await metadata()).jwksUri,
      outbound,
      clock,
      backoffMs: KEYS_BACKOFF_MS,
    }),
    idTokenAlgorithms: ({ idTokenAlgorithms }) => idTokenAlgorithms,
    ceilingOf: () => undefined,
    needsIdToken: ({ issuer }) => issuer !== undefined && begin.scopes.includes('openid'),
  }
}

const UNSIGNED =
  'the provider has no discovery document that could be found: its ID tokens are believed because they come from the token endpoint over TLS; issuer of the authenticator callback has their signatures verified'

async function findMetadata(
  { authorizationUrl }: RuleBeginOptions,
  { issuer, tokenUrl, userinfoUrl }: RuleClientOptions,
  outbound: Outbound,
): Promise<ProviderMetadata> {
  const found =
    issuer === undefined
      ? await discoverIssuer({ authorizationUrl, tokenUrl }, outbound)
      : await fetchMetadata(issuer, outbound)
  return {
    issuer: found?.issuer,
    authorizationEndpoint: authorizationUrl,
    tokenEndpoint: tokenUrl,
    jwksUri: found?.jwksUri ?? '',
    userinfoEndpoint: userinfoUrl,
    endSessionEndpoint: undefined,
    revocationEndpoint: found?.revocationEndpoint,
    sendsIssuer: found?.sendsIssuer ?? false,
    idTokenAlgorithms: found?.idTokenAlgorithms ?? [],
  }
}
