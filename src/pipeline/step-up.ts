import { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import { HandlerConfigError } from '../kernel/handlers.ts'
import { ACR_VALUE, MAX_ACR_VALUES_CHARS, type StepUp } from '../kernel/step-up.ts'
import type { Session } from '../sessions/contract.ts'
import type { LoginEntry } from './deps.ts'
import { sessionDuration } from './fields.ts'

const acrValue = z.string().regex(ACR_VALUE, 'must be an acr: no spaces, no quotes, at most 255 characters')

/** Keys by which a rule asks for more than a session. */
export const stepUpFields = {
  acr: z
    .union([acrValue, z.array(acrValue).min(1, 'must name at least one acr')])
    .transform((acr) => [acr].flat())
    .refine((list) => list.join(' ').length <= MAX_ACR_VALUES_CHARS, 'must be shorter')
    .optional()
    .describe(
      'How the person must have authenticated: the `acr` of the login must be this, or one of these. Default: anyhow.',
    ),
  max_age: sessionDuration()
    .optional()
    .describe('How long ago the person may have authenticated at the provider (`auth_time`). Default: any time.'),
}

type StepUpConfig = { readonly [Key in keyof typeof stepUpFields]?: z.output<(typeof stepUpFields)[Key]> }

/** What a rule asks for beyond a session. */
export interface Requirement {
  /** The login that gives a session which is enough. */
  readonly login: StepUp
  /** What a session lacks; nothing when it is enough. */
  shortfallOf(session: Session): { readonly stepUp: StepUp; readonly detail: string } | undefined
}

/** Compiles the keys; `undefined` where a rule asks for no more than a session. */
export function compileRequirement(
  { acr, max_age: maxAgeMs }: StepUpConfig,
  clock: Pick<Clock, 'now'>,
): Requirement | undefined {
  if (acr === undefined && maxAgeMs === undefined) return undefined
  const login: StepUp = {
    acrValues: acr,
    maxAgeSeconds: maxAgeMs === undefined ? undefined : Math.floor(maxAgeMs / 1000),
  }
  const problemOf = ({ acr: has, authTime }: Session): string | undefined => {
    if (acr !== undefined && (has === undefined || !acr.includes(has))) {
      return 'the acr of the session is none that the rule accepts'
    }
    if (maxAgeMs === undefined) return undefined
    // When it does not say when the person authenticated, that may be any time ago: the login must say it.
    if (authTime === undefined) return 'the session has no auth_time'
    return authTime + maxAgeMs <= clock.now() ? 'the auth_time of the session is too long ago' : undefined
  }
  return {
    login,
    shortfallOf(session) {
      const detail = problemOf(session)
      return detail === undefined ? undefined : { stepUp: login, detail }
    },
  }
}

/**
 * Finds a rule that nobody could ever satisfy.
 * @throws {HandlerConfigError}
 */
export function checkAcr(acr: readonly string[] | undefined, login: LoginEntry, providers: readonly string[]): void {
  if (acr === undefined) return
  const canGive = (provider: string): boolean => login.acrValues(provider)?.some((value) => acr.includes(value)) ?? true
  if (providers.some(canGive)) return
  const keys = 'login.providers[].authorization_params.acr_values'
  throw new HandlerConfigError(['acr'], `is nothing that ${keys} lets a provider log people in with: add it there`)
}

/** @see [RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470.html#section-3) */
export function stepUpChallenge({ acrValues, maxAgeSeconds }: StepUp): string {
  const acr = acrValues === undefined ? '' : `, acr_values="${acrValues.join(' ')}"`
  const age = maxAgeSeconds === undefined ? '' : `, max_age="${maxAgeSeconds}"`
  return `Bearer error="insufficient_user_authentication"${acr}${age}`
}
