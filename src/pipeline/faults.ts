import { GateError } from '../kernel/errors.ts'
import type { HandlerKind } from '../kernel/handlers.ts'
import type { ConfigIssue } from './config-issues.ts'
import { KIND_WORDS } from './vocabulary.ts'

/** A handler that a rule names and that cannot work: what the loader tells the operator, and what a request gets. */
export interface Fault {
  readonly kind: 'unknown' | 'disabled' | 'invalid'
  /** One problem each, below the reference in the rule. */
  readonly problems: readonly { readonly path: string; readonly message: string }[]
  readonly error: GateError
}

/** No handler has that id. `place` is the key in the rule, such as `mutators[1]`. */
export function unknownFault(kind: HandlerKind, id: string, place: string, supported: readonly string[]): Fault {
  const { noun } = KIND_WORDS[kind]
  const key = kind === 'authorizers' ? 'authorizer.handler' : place
  const list = `[${supported.join(' ')}]`
  return {
    kind: 'unknown',
    problems: [
      {
        path: `${place}.handler`,
        message: `Value "${id}" of "${key}" is not in list of supported ${noun}s: ${list}`,
      },
    ],
    error:
      kind === 'errors'
        ? new GateError('ERR_HANDLER_MISCONFIGURED', {
            message: 'An internal server error occurred, please contact the system administrator',
            reason: `Unable to find error handler named: ${id}. This is a configuration issue and should be reported to the administrator.`,
          })
        : new GateError('ERR_HANDLER_MISCONFIGURED', { message: 'requested pipeline handler does not exist' }),
  }
}

/** The handler is there and switched off. */
export function disabledFault(kind: HandlerKind, id: string, place: string): Fault {
  const { title, settingsKey } = KIND_WORDS[kind]
  const reason = `${title} "${id}" is disabled per configuration.`
  return {
    kind: 'disabled',
    problems: [{ path: `${place}.handler`, message: `${reason} Set ${settingsKey}.${id}.enabled to true.` }],
    error: misconfigured(kind, reason),
  }
}

/** The handler does not take its configuration. `locate` writes where an issue is. */
export function invalidFault(
  kind: HandlerKind,
  id: string,
  issues: readonly ConfigIssue[],
  locate: (issue: ConfigIssue) => { readonly path: string; readonly message: string },
): Fault {
  const { noun } = KIND_WORDS[kind]
  const detail = issues.map(({ message }) => message).join('; ')
  return {
    kind: 'invalid',
    problems: issues.map(locate),
    error: misconfigured(kind, `Configuration for ${noun} "${id}" could not be validated: ${detail}`),
  }
}

function misconfigured(kind: HandlerKind, reason: string): GateError {
  return new GateError('ERR_HANDLER_MISCONFIGURED', {
    message: `${KIND_WORDS[kind].noun} matching this route is misconfigured or disabled`,
    reason,
    detail: reason,
  })
}
