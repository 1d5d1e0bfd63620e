import type { Config } from '../config/config.ts'
import type { TlsConfig } from '../config/schema/tls.ts'
import { loadTls, type TlsMaterial, type TlsSource } from '../http/tls.ts'
import { StartError } from '../kernel/start-error.ts'
import type { RuleLoginOptions } from '../login/by-rules/options.ts'
import type { LoginOptions } from '../login/options.ts'

/** What the login reads of the configuration; nothing when nobody logs in here. */
export function loginOptions({ login, session }: Config): LoginOptions | undefined {
  if (login === undefined) return undefined
  return {
    ...login,
    cookie: session.cookie,
    rememberMe: session.rememberMe.enabled ? session.rememberMe : undefined,
    subjectFrom: session.subjectFrom,
  }
}

const DEFAULT_STATE_TTL_MS = 600_000
const DEFAULT_TIMEOUT_MS = 10_000

/** What a login by rules reads of the configuration; nothing when no rule can have a part in one. */
export function ruleLoginOptions({ login, session, handlers }: Config): RuleLoginOptions | undefined {
  const { callback, session_jwt: sessionJwt } = handlers.authenticators
  if (callback?.enabled !== true && sessionJwt?.enabled !== true) return undefined
  return {
    cookie: session.cookie,
    stateTtlMs: login?.stateTtlMs ?? DEFAULT_STATE_TTL_MS,
    timeoutMs: login?.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  }
}

/**
 * Loads key and certificate of a listener; nothing when it serves plain http.
 * @throws {StartError} that says what is missing or unfit.
 */
export function tlsMaterial(listener: 'proxy' | 'api' | 'grpc', tls: TlsConfig | undefined): TlsMaterial | undefined {
  if (tls === undefined) return undefined
  try {
    return loadTls(tlsSource(tls.cert), tlsSource(tls.key))
  } catch (cause: unknown) {
    throw new StartError(`serve.${listener}.tls: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function tlsSource({ path, base64 }: TlsConfig['cert']): TlsSource {
  return { path, base64: base64?.reveal() }
}
