import { errorReply } from '../kernel/error-reply.ts'
import { GateError, toGateError } from '../kernel/errors.ts'
import type { ErrorStep, Failure } from '../kernel/handlers.ts'
import type { Reply } from '../kernel/reply.ts'
import { stepUpChallenge } from './step-up.ts'

/** An error handler in its place. */
export interface NamedErrorStep {
  readonly handler: string
  readonly step: ErrorStep
}

type Header = readonly [name: string, value: string]

const FOUND_MORE =
  'Found more than one error handlers to be responsible for this request. This is a configuration error that needs to be resolved by the system administrator."'
const FOUND_NONE =
  'Unable to handle HTTP request because no matching error handling strategy was found. This is a configuration error that needs to be resolved by the system administrator.'

/**
 * Answers a failed request: by the one handler of the rule's list that is responsible, else by the page of the error, else by
 * the first of the fallback list. A mistake in the error handlers themselves is 500 with its reason, as in Oathkeeper. Never throws.
 */
export function answerFailure(
  failure: Failure,
  own: readonly NamedErrorStep[],
  fallback: readonly NamedErrorStep[],
): Reply | Promise<Reply> {
  let chosen: NamedErrorStep | undefined
  try {
    chosen = chooseOwn(failure, own)
    if (chosen === undefined && failure.error.page !== undefined) return failure.error.page
    chosen ??= fallback.find(({ step }) => step.matches(failure))
    if (chosen === undefined) throw new GateError('ERR_HANDLER_MISCONFIGURED', mistake(FOUND_NONE))
    const reply = chosen.step.respond(failure)
    if (!(reply instanceof Promise)) return complete(failure, reply, own, fallback)
    return reply.then(
      (late) => complete(failure, late, own, fallback),
      (cause: unknown) => mistakeReply(failure, chosen, cause),
    )
  } catch (cause: unknown) {
    return mistakeReply(failure, chosen, cause)
  }
}

function chooseOwn(failure: Failure, own: readonly NamedErrorStep[]): NamedErrorStep | undefined {
  let chosen: NamedErrorStep | undefined
  for (const candidate of own) {
    if (!candidate.step.matches(failure)) continue
    if (candidate.step.precedence === 'exclusive') return candidate
    if (chosen !== undefined) throw new GateError('ERR_HANDLER_MISCONFIGURED', mistake(FOUND_MORE))
    chosen = candidate
  }
  return chosen
}

/** The one place where headers join an answer that its handler did not write: those of the error, its challenge, and hints of `login`. */
function complete(
  failure: Failure,
  reply: Reply,
  own: readonly NamedErrorStep[],
  fallback: readonly NamedErrorStep[],
): Reply {
  const { headers, stepUp } = failure.error
  const extra: Header[] = [...headers]
  if (reply.status === 401 && stepUp !== undefined) extra.push(['WWW-Authenticate', stepUpChallenge(stepUp)])
  if (reply.status === 401 && !hasHeader(reply, 'Location')) {
    const hinting = own.find(hasHints) ?? fallback.find(hasHints)
    extra.push(...(hinting?.step.hints?.(failure) ?? []))
  }
  return extra.length === 0 ? reply : { ...reply, headers: [...reply.headers, ...extra] }
}

function hasHints({ step }: NamedErrorStep): boolean {
  return step.hints !== undefined
}

function hasHeader(reply: Reply, name: string): boolean {
  return reply.headers.some(([other]) => other === name)
}

function mistakeReply(failure: Failure, chosen: NamedErrorStep | undefined, cause: unknown): Reply {
  const known = cause instanceof GateError && cause.code === 'ERR_HANDLER_MISCONFIGURED'
  const error = known
    ? cause
    : new GateError('ERR_INTERNAL', {
        cause,
        reason: `Unable to execute error handler "${chosen?.handler ?? ''}".`,
        detail: toGateError(cause).detail ?? toGateError(cause).message,
      })
  return errorReply(error, { verbose: true, requestId: failure.exchange.request.requestId })
}

function mistake(reason: string): { readonly message: string; readonly reason: string } {
  return { message: 'An internal server error occurred, please contact the system administrator', reason }
}
