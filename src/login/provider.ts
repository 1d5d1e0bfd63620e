import { readFileSync } from 'node:fs'
import type { AlgorithmName } from '../credentials/algorithms.ts'
import { createRemoteKeySet } from '../credentials/jwks.ts'
import { createSecretKeySource, type KeySource } from '../credentials/key-set.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { ProblemsError } from '../kernel/problem.ts'
import { createOutbound, type Outbound } from '../lib/outbound.ts'
import { createRemoteValue } from '../lib/remote-value.ts'
import { fetchMetadata } from './discovery.ts'
import type { AuthMethod, ProviderOptions } from './options.ts'
import { toProviderError } from './provider-error.ts'
import type { ProviderMetadata } from './provider-metadata.ts'
import { type CeilingReader, createCeilingReader } from './session-limits.ts'

/** An OpenID provider. Nothing is asked of it before somebody logs in, so that it may be down when we start. */
export interface Provider {
  readonly id: string
  readonly options: ProviderOptions
  readonly authMethod: AuthMethod
  /** What the authorization request asks for. */
  readonly scopes: readonly string[]
  readonly outbound: Outbound
  /** @throws {GateError} ERR_PROVIDER_… while the provider cannot be asked and never could. */
  metadata(): ProviderMetadata | Promise<ProviderMetadata>
  /** Whose signature an ID token must carry, and by which algorithms. */
  readonly keys: KeySource
  idTokenAlgorithms(metadata: ProviderMetadata): readonly AlgorithmName[]
  readonly ceilingOf: CeilingReader
  /** Whether a login without an ID token is none. */
  needsIdToken(metadata: ProviderMetadata): boolean
}

export interface ProviderDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly timeoutMs: number
}

const METADATA_MAX_AGE_MS = 3_600_000
// Short: a person who tries again when the provider is back must not be told of the failure before. Whoever asks
// meanwhile shares one call, and keys are asked for only on behalf of somebody who has come back from the provider.
const METADATA_BACKOFF_MS = 100
const KEYS_BACKOFF_MS = 1000
const MAX_RESPONSE_BYTES = 512 * 1024

/** Creates the provider and the connections to it. */
export function createProvider(options: ProviderOptions, index: number, deps: ProviderDeps): Provider {
  const { id, clientSecret, idTokenAlgorithm, scopes } = options
  const outbound = createOutbound({
    timeoutMs: deps.timeoutMs,
    maxBytes: MAX_RESPONSE_BYTES,
    ca: options.caFile === undefined ? undefined : readCa(options.caFile, index),
  })
  const remote = createRemoteValue({
    load: () => discover(options, outbound, deps.logger),
    now: () => deps.clock.now(),
    maxAgeMs: METADATA_MAX_AGE_MS,
    cooldownMs: METADATA_MAX_AGE_MS,
    backoffMs: METADATA_BACKOFF_MS,
  })
  const metadata = () => remote.get()
  const hasSharedKey = idTokenAlgorithm?.startsWith('HS') === true
  return {
    id,
    options,
    authMethod: options.authMethod ?? (clientSecret === undefined ? 'none' : 'client_secret_basic'),
    scopes: scopes.includes('openid') ? scopes : ['openid', ...scopes],
    outbound,
    metadata,
    keys: hasSharedKey
      ? createSecretKeySource(clientSecret?.reveal() ?? '')
      : createRemoteKeySet({
          url: async () => (await metadata()).jwksUri,
          outbound,
          clock: deps.clock,
          backoffMs: KEYS_BACKOFF_MS,
        }),
    idTokenAlgorithms: ({ idTokenAlgorithms }) =>
      idTokenAlgorithm === undefined ? idTokenAlgorithms : [idTokenAlgorithm],
    ceilingOf: createCeilingReader(options.session?.ceilingFrom ?? []),
    needsIdToken: () => true,
  }
}

/** Whether a session of `issuer` is one of the provider's, as it is configured now. */
export async function isIssuerOf({ options, metadata }: Provider, issuer: string): Promise<boolean> {
  return issuer === options.issuer || issuer === (await metadata()).issuer
}

async function discover(
  { id, issuer }: ProviderOptions,
  outbound: Outbound,
  logger: Logger,
): Promise<ProviderMetadata> {
  try {
    return await fetchMetadata(issuer, outbound)
  } catch (cause: unknown) {
    const error = toProviderError(cause, id)
    logger.warn({ provider: id, error_code: error.code, detail: error.detail }, 'the discovery document cannot be used')
    throw error
  }
}

function readCa(file: string, index: number): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
    throw new ProblemsError([{ path: `login.providers[${index}].ca_file`, message: `cannot be read${code}` }])
  }
}
