import { ACR_VALUE, MAX_ACR_VALUES_CHARS, type StepUp } from '../kernel/step-up.ts'
import { isJsonObject } from '../lib/strict-json.ts'
import { LoginFailure } from './failure.ts'
import type { Expectation } from './id-token-checks.ts'
import type { ProviderOptions } from './options.ts'

type Strength = Pick<Expectation, 'maxAgeSeconds' | 'acrValues'>

const MAX_AGE = /^\d{1,9}$/

/** The query parameters of the login route that say how a person has to log in. */
export function stepUpQuery({ acrValues, maxAgeSeconds }: StepUp): string[] {
  const query: string[] = []
  if (acrValues !== undefined) query.push(`acr_values=${encodeURIComponent(acrValues.join(' '))}`)
  if (maxAgeSeconds !== undefined) query.push(`max_age=${maxAgeSeconds}`)
  return query
}

/**
 * Reads the same parameters. Anybody can write them into a link, so that they are taken only in the form that they have, and
 * only ever ask for more: what a rule asks is judged by the rule, after the login too.
 * @throws {LoginFailure} for any other form.
 */
export function readStepUp(acrValues: string | undefined, maxAge: string | undefined): StepUp | undefined {
  if (acrValues === undefined && maxAge === undefined) return undefined
  const values = acrValues?.split(' ')
  if (maxAge !== undefined && !MAX_AGE.test(maxAge)) throw malformed('max_age is not a number of seconds')
  if (values !== undefined && !isListOfAcr(values)) throw malformed('acr_values is not a list of acr')
  return { acrValues: values, maxAgeSeconds: maxAge === undefined ? undefined : Number(maxAge) }
}

/** Reads what the store gave back. */
export function parseStepUp(value: unknown): StepUp | undefined {
  if (!isJsonObject(value)) return undefined
  const { acrValues, maxAgeSeconds } = value
  const acr = Array.isArray(acrValues) && isListOfAcr(acrValues) ? acrValues : undefined
  return { acrValues: acr, maxAgeSeconds: typeof maxAgeSeconds === 'number' ? maxAgeSeconds : undefined }
}

function isListOfAcr(values: readonly unknown[]): values is readonly string[] {
  return (
    values.length > 0 &&
    values.every((value) => typeof value === 'string' && ACR_VALUE.test(value)) &&
    values.join(' ').length <= MAX_ACR_VALUES_CHARS
  )
}

function malformed(detail: string): LoginFailure {
  return new LoginFailure('request_malformed', { detail })
}

/** What every login at a provider must come up to, because the configuration of its authorization request asks for it (B-10). */
export function configuredStrength({ authorizationParams }: ProviderOptions): Strength {
  const { max_age: maxAge, acr_values: acrValues } = authorizationParams
  const values = acrValues?.split(' ').filter((value) => value !== '') ?? []
  return {
    maxAgeSeconds: maxAge === undefined || maxAge === '' ? undefined : Number(maxAge),
    acrValues: values.length === 0 ? undefined : values,
  }
}

/** The same with what a step-up asks on top: never less than either. An empty list is what no login can come up to. */
export function strengthOf(options: ProviderOptions, stepUp: StepUp | undefined): Strength {
  const configured = configuredStrength(options)
  if (stepUp === undefined) return configured
  const { acrValues = configured.acrValues, maxAgeSeconds = configured.maxAgeSeconds } = stepUp
  return {
    maxAgeSeconds:
      maxAgeSeconds === undefined ? undefined : Math.min(maxAgeSeconds, configured.maxAgeSeconds ?? maxAgeSeconds),
    acrValues:
      configured.acrValues === undefined ? acrValues : acrValues?.filter((acr) => configured.acrValues?.includes(acr)),
  }
}
