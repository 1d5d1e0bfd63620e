import type { Config } from '../config/config.ts'
import type { TlsConfig } from '../config/schema/tls.ts'
import { loadTls, type TlsMaterial, type TlsSource } from '../http/tls.ts'
import { StartError } from '../kernel/start-error.ts'
import type { LoginOptions } from '../login/options.ts'

/** What the login reads of the configuration; nothing when nobody logs in here. */
export function loginOptions({ login, session }: Config): LoginOptions | undefined {
  if (login === undefined) return undefined
  return {
    ...login,

    cookie: session.cookie,
    subjectFrom: session.subjectFrom,
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
