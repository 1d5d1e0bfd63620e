import { CATALOGUE, type ErrorCode } from './catalogue.ts'
import type { Reply } from './reply.ts'
import type { StepUp } from './step-up.ts'

export interface GateErrorOptions {
  readonly cause?: unknown
  /** For the client where an error handler is `verbose`: Oathkeeper's `reason`. Never a stack, a token or a secret. */
  readonly reason?: string
  /** For the operator's log only. Never a token or a secret. */
  readonly detail?: string
  /** Headers that must reach the client with the error, such as `Retry-After`. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Instead of the catalogue's message. */
  readonly message?: string
  /** What a person is shown where no error handler of the rule itself is responsible; complete, with its headers. */
  readonly page?: Reply
  /** How to log in again, where that helps. */
  readonly stepUp?: RequiredStepUp
}

/** A login that a rule asks for, at the provider of the session that it is to replace. */
export interface RequiredStepUp extends StepUp {
  readonly provider: string
}

/** An error that ends a request. Its code is one of the catalogue, which gives it a status and the client's message. */
export class GateError extends Error {
  override readonly name = 'GateError'
  readonly code: ErrorCode
  /** HTTP status. */
  readonly status: number
  readonly reason: string | undefined
  readonly detail: string | undefined
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly page: Reply | undefined
  readonly stepUp: RequiredStepUp | undefined

  constructor(code: ErrorCode, options: GateErrorOptions = {}) {
    // A refusal is an ordinary answer and may come in floods: its stack, which costs more than the rest, is nobody's help.
    const { stackTraceLimit } = Error
    if (CATALOGUE[code].status < 500) Error.stackTraceLimit = 0
    super(
      options.message ?? CATALOGUE[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.status = CATALOGUE[code].status
    this.reason = options.reason
    this.detail = options.detail
    this.headers = options.headers ?? []
    this.page = options.page
    this.stepUp = options.stepUp
  }
}

/** Makes any thrown value an error of the catalogue; what nobody foresaw is ERR_INTERNAL with the original as cause. */
export function toGateError(cause: unknown): GateError {
  if (cause instanceof GateError) return cause
  return new GateError('ERR_INTERNAL', { cause, detail: cause instanceof Error ? cause.message : String(cause) })
}
