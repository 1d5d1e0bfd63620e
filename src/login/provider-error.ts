import { type ErrorCode } from '../kernel/catalogue.ts'
import { GateError } from '../kernel/errors.ts'
import { OutboundError, UnexpectedStatusError } from '../lib/outbound.ts'

const RETRY_AFTER = ['Retry-After', '5'] as const

/** A provider that cannot be used right now, as an error of the catalogue: late, not there, or talking nonsense. */
export function toProviderError(cause: unknown, providerId: string): GateError {
  if (cause instanceof GateError) return cause
  const code = codeOf(cause)
  const detail = `provider "${providerId}": ${cause instanceof Error ? cause.message : 'unknown failure'}`
  return new GateError(code, {
    cause,
    detail,
    ...(code !== 'ERR_PROVIDER_RESPONSE_INVALID' && { headers: [RETRY_AFTER] }),
  })
}

function codeOf(cause: unknown): ErrorCode {
  if (cause instanceof OutboundError) {
    if (cause.kind === 'timeout') return 'ERR_PROVIDER_TIMEOUT'
    if (cause.kind === 'unreachable') return 'ERR_PROVIDER_UNAVAILABLE'
  }
  if (cause instanceof UnexpectedStatusError && (cause.status >= 500 || cause.status === 429)) {
    return 'ERR_PROVIDER_UNAVAILABLE'
  }
  return 'ERR_PROVIDER_RESPONSE_INVALID'
}
