import { ASYMMETRIC_ALGORITHMS, type AlgorithmName } from '../credentials/algorithms.ts'
import { isJsonObject } from '../lib/strict-json.ts'
import { isSafeEndpoint } from './endpoint.ts'

/** What is known of a provider, mostly by its discovery document. */
export interface ProviderMetadata {
  /** Who signs its ID tokens; `undefined` where that is not known, so that nobody's signature can be asked for. */
  readonly issuer: string | undefined
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  readonly jwksUri: string
  readonly userinfoEndpoint: string | undefined
  readonly endSessionEndpoint: string | undefined
  readonly revocationEndpoint: string | undefined
  /** The provider promises `iss` in every authorization response, so one without it is refused (RFC 9207 §2.4). */
  readonly sendsIssuer: boolean
  /** Asymmetric algorithms that it signs ID tokens with. */
  readonly idTokenAlgorithms: readonly AlgorithmName[]
}

/**
 * Reads a discovery document strictly.
 * @throws {Error} that says what is wrong, for the operator.
 * @see [OpenID Connect Discovery §4.3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation)
 */
export function parseMetadata(document: unknown, issuer: string): ProviderMetadata {
  if (!isJsonObject(document)) throw new Error('the discovery document is not an object')
  if (document['issuer'] !== issuer) {
    throw new Error('the discovery document names another issuer; login.providers[].issuer must be exactly the same')
  }
  checkPkce(document['code_challenge_methods_supported'])
  return {
    issuer,
    authorizationEndpoint: required(document, 'authorization_endpoint'),
    tokenEndpoint: required(document, 'token_endpoint'),
    jwksUri: required(document, 'jwks_uri'),
    userinfoEndpoint: optional(document, 'userinfo_endpoint'),
    endSessionEndpoint: optional(document, 'end_session_endpoint'),
    revocationEndpoint: optional(document, 'revocation_endpoint'),
    sendsIssuer: document['authorization_response_iss_parameter_supported'] === true,
    idTokenAlgorithms: readAlgorithms(document['id_token_signing_alg_values_supported']),
  }
}

/** A provider that says what it supports and leaves S256 out gets no weaker request. Most say nothing. */
function checkPkce(methods: unknown): void {
  if (methods === undefined || (Array.isArray(methods) && methods.includes('S256'))) return
  throw new Error('the provider does not support PKCE with S256')
}

function required(document: Record<string, unknown>, name: string): string {
  const value = optional(document, name)
  if (value === undefined) throw new Error(`the discovery document has no ${name}`)
  return value
}

function optional(document: Record<string, unknown>, name: string): string | undefined {
  const value = document[name]
  if (value === undefined || value === null) return undefined
  if (!isSafeEndpoint(value)) throw new Error(`${name} is not an https URL (http is allowed on loopback only)`)
  return value
}

function readAlgorithms(names: unknown): readonly AlgorithmName[] {
  if (!Array.isArray(names)) return ASYMMETRIC_ALGORITHMS
  return ASYMMETRIC_ALGORITHMS.filter((name) => names.includes(name))
}
