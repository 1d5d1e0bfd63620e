import { StartError } from '../kernel/start-error.ts'
import { createOutbound, type Outbound } from '../lib/outbound.ts'

/** Where Oathkeeper waits for ever and the configuration has no key for it. */
const TIMEOUT_MS = 10_000
/** More than any session document, introspection or key set has. */
const MAX_RESPONSE_BYTES = 1024 * 1024
const CONNECTIONS_PER_ORIGIN = 128

/**
 * Creates the caller that all handlers share. One pool for all rules: a service that hangs holds up nobody but its own callers.
 * @throws {StartError} when the environment names a proxy that is none.
 */
export function createHandlerOutbound(): Outbound {
  try {
    return createOutbound({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_RESPONSE_BYTES, connections: CONNECTIONS_PER_ORIGIN })
  } catch (cause: unknown) {
    throw new StartError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
