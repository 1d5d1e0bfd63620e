import type * as api from '@opentelemetry/api'
import type * as sdk from '@opentelemetry/sdk-trace'

/** OpenTelemetry, loaded when tracing is configured. */
export type OtelApi = typeof api
export type OtelSdk = typeof sdk

/**
 * Loads a package that is not part of the installation by default.
 * @throws {Error} with a sentence that says what to install.
 */
export async function loadPackage<Module>(load: () => Promise<Module>, names: readonly string[]): Promise<Module> {
  try {
    return await load()
  } catch (cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new Error(`it needs packages that are not installed: npm install ${names.join(' ')}`, { cause })
  }
}
