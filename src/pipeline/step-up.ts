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
  lifetime: sessionDuration()
    .optional()
    .describe(
      'How old the session may be. Only what is shorter than its own lifetime has an effect. Default: as old as it gets.',
    ),
  idle_timeout: sessionDuration()
    .optional()
    .describe(
      'How long the session may ever have been unused since the login. Only what is shorter than its own idle timeout has an effect. Default: any time.',
    ),
}

type StepUpConfig = { readonly [Key in keyof typeof stepUpFields]?: z.output<(typeof stepUpFields)[Key]> }

/** What a rule asks for beyond a session. */
export interface Requirement {
  /** The login that gives a session which is enough; nothing where any does. */
  readonly login: StepUp | undefined
  /** What a session lacks; nothing when it is enough. */
  shortfallOf(session: Session): Shortfall | undefined
}

export interface Shortfall {
  readonly stepUp: StepUp
  /** For the operator. */
  readonly detail: string
}

/** By so much the provider's clock may be ahead of ours. */
const CLOCK_LEEWAY_MS = 60_000

interface Bound {
  /** How much of the time is over. */
  readonly spentMs: (session: Session, now: number) => number
  readonly maxMs: number | undefined
  readonly detail: string
}

/** Compiles the keys; `undefined` where a rule asks for no more than a session. */
export function compileRequirement(config: StepUpConfig, clock: Pick<Clock, 'now'>): Requirement | undefined {
  const { acr, max_age: maxAgeMs } = config
  const bounds = boundsOf(config)
  if (acr === undefined && bounds.length === 0) return undefined
  const asksOfLogin = acr !== undefined || maxAgeMs !== undefined
  return {
    login: asksOfLogin ? { acrValues: acr, maxAgeSeconds: toSeconds(maxAgeMs) } : undefined,
    shortfallOf(session) {
      const now = clock.now()
      const details: string[] = []
      if (acr !== undefined && (session.acr === undefined || !acr.includes(session.acr))) {
        details.push('the acr of the session is none that the rule accepts')
      }
      // All that the rule asks of a login, and a login within the time that is over: what is too old here is old there too.
      let maxMs = maxAgeMs ?? Number.POSITIVE_INFINITY
      for (const bound of bounds) {
        if (bound.spentMs(session, now) < bound.maxMs) continue
        details.push(bound.detail)
        maxMs = Math.min(maxMs, bound.maxMs)
      }
      if (details.length === 0) return undefined
      return { stepUp: { acrValues: acr, maxAgeSeconds: toSeconds(maxMs) }, detail: details.join('; ') }
    },
  }
}

function boundsOf({
  max_age: maxAgeMs,
  lifetime: lifetimeMs,
  idle_timeout: idleTimeoutMs,
}: StepUpConfig): (Bound & { readonly maxMs: number })[] {
  const bounds: Bound[] = [
    {
      // When it does not say when the person authenticated, that may be any time ago: the login must say it. So too when it says a
      // time that has yet to come, which would be good for ever.
      spentMs: ({ authTime = Number.NEGATIVE_INFINITY }, now) =>
        authTime - CLOCK_LEEWAY_MS > now ? Number.POSITIVE_INFINITY : now - authTime,
      maxMs: maxAgeMs,
      detail: 'the auth_time of the session is too long ago, or not known',
    },
    {
      spentMs: ({ createdAt }, now) => now - createdAt,
      maxMs: lifetimeMs,
      detail: 'the session is older than the lifetime of the rule',
    },
    {
      spentMs: ({ lastSeenAt, longestIdleMs }, now) => Math.max(longestIdleMs, now - lastSeenAt),
      maxMs: idleTimeoutMs,
      detail: 'the session was unused for longer than the idle_timeout of the rule',
    },
  ]
  return bounds.filter((bound): bound is Bound & { readonly maxMs: number } => bound.maxMs !== undefined)
}

function toSeconds(ms: number | undefined): number | undefined {
  return ms === undefined || ms === Number.POSITIVE_INFINITY ? undefined : Math.floor(ms / 1000)
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
