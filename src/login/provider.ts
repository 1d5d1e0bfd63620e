import { readFileSync } from 'node:fs'
import type { AlgorithmName } from '../credentials/algorithms.ts'
import { createRemoteKeySet } from '../credentials/jwks.ts'
import { createSecretKeySource, type KeySource } from '../credentials/key-set.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { ProblemsError } from '../kernel/problem.ts'
import { createOutbound, type Outbound, UnexpectedStatusError } from '../lib/outbound.ts'
import { createRemoteValue } from '../lib/remote-value.ts'
import { parseStrictJsonBytes } from '../lib/strict-json.ts'
import type { AuthMethod, ProviderOptions } from './options.ts'
import { toProviderError } from './provider-error.ts'
import { parseMetadata, type ProviderMetadata } from './provider-metadata.ts'

/** An OpenID provider. Nothing is asked of it before somebody logs in, so that it may be down when we start. */
export interface Provider {
  readonly id: string
  readonly options: ProviderOptions
  readonly authMethod: AuthMethod
  readonly outbound: Outbound
  /** @throws {GateError} ERR_PROVIDER_… while the provider cannot be asked and never could. */
  metadata(): ProviderMetadata | Promise<ProviderMetadata>
  /** Whose signature an ID token must carry, and by which algorithms. */
  readonly keys: KeySource
  idTokenAlgorithms(metadata: ProviderMetadata): readonly AlgorithmName[]
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
  const { id, clientSecret, idTokenAlgorithm } = options
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
    needsIdToken: () => true,
  }
}

async function discover(
  { id, issuer }: ProviderOptions,
  outbound: Outbound,
  logger: Logger,
): Promise<ProviderMetadata> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const { status, body } = await outbound.call(url, { method: 'GET', headers: { accept: 'application/json' } })
    if (status !== 200) throw new UnexpectedStatusError('the discovery document', status)
    return parseMetadata(parseStrictJsonBytes(body), issuer)
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
