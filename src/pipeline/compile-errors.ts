import { GateError } from '../kernel/errors.ts'
import type { ErrorStep, Failure } from '../kernel/handlers.ts'
import type { Problem } from '../kernel/problem.ts'
import type { NamedErrorStep } from './answer.ts'
import type { Fault } from './faults.ts'
import type { Fallback } from './plan.ts'
import type { LookUp, Lookup } from './registry.ts'
import { KIND_WORDS } from './vocabulary.ts'

/** Makes an error step of a look-up. One with a mistake in it fails at the moment in which Oathkeeper does. */
export function nameErrorStep(handler: string, { step, fault }: Lookup<ErrorStep>): NamedErrorStep {
  if (fault === undefined && step !== undefined) return { handler, step }
  return { handler, step: faultyStep(fault?.error, step, fault?.kind) }
}

function faultyStep(
  error: GateError | undefined,
  step: ErrorStep | undefined,
  kind: Fault['kind'] | undefined,
): ErrorStep {
  const fail = (): never => {
    throw error ?? new GateError('ERR_HANDLER_MISCONFIGURED')
  }
  // A handler that is switched off is noticed when it is its turn to answer, any other mistake when it is asked.
  const matches = kind === 'disabled' ? (failure: Failure) => step?.matches(failure) ?? true : fail
  return { precedence: 'sole', matches, respond: fail }
}

/** Compiles `errors.fallback`. */
export function compileFallback(
  ids: readonly string[],
  lookUp: LookUp,
): { readonly fallback: Fallback; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const errors = ids.map((handler, index): NamedErrorStep => {
    const lookup = lookUp('errors', { handler, config: undefined }, `${KIND_WORDS.errors.settingsKey}.${handler}`)
    const { fault } = lookup
    if (fault === undefined) return nameErrorStep(handler, lookup)
    if (fault.kind === 'invalid') {
      problems.push(...fault.problems)
      return nameErrorStep(handler, lookup)
    }
    const message = `Fallback error handler "${handler}" was requested but is disabled or unknown.`
    problems.push({ path: `errors.fallback[${index}]`, message })
    const error = new GateError('ERR_HANDLER_MISCONFIGURED', {
      message: 'An internal server error occurred, please contact the system administrator',
      reason: `${message} This is a configuration issue and should be reported to the administrator.`,
    })
    return { handler, step: faultyStep(error, undefined, 'unknown') }
  })
  return { fallback: { errors }, problems }
}
