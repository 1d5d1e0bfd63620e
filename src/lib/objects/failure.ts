import { ObjectError } from './client.ts'
import type { ObjectLocation } from './location.ts'

/** Names that the SDKs give errors, and the codes of the stores; anything else might repeat what is secret. */
const NAME = /^[A-Za-z][A-Za-z0-9_.]{2,63}$/
/** Nobody that the SDK asks has credentials. */
const NO_CREDENTIALS =
  /^(?:CredentialsProvider|CredentialUnavailable|AuthenticationRequired|AggregateAuthentication)Error$/
/** The error of Google has no name of its own. */
const NO_CREDENTIALS_TEXT = /^Could not load the default credentials/
/** What the SDK of Azure throws when it asks for a token on the way. */
const CREDENTIALS = /^(?:CredentialUnavailable|AuthenticationRequired|(?:Aggregate)?Authentication)Error$/

/** Says why an SDK failed. What it says itself stays out: such a message may hold a signed URL or a token. */
export function asObjectError(cause: unknown, location: ObjectLocation): ObjectError {
  if (cause instanceof ObjectError) return cause
  if (cause instanceof Error && CREDENTIALS.test(cause.name)) return asCredentialsError(cause, location)
  const status = statusOf(cause)
  const code = codeOf(cause)
  if (status === undefined) {
    return new ObjectError(`${location.name} could not be asked (${code ?? 'unknown cause'})`, { cause })
  }
  const reason = code === undefined ? '' : ` (${code})`
  return new ObjectError(`${location.name} answered ${status}, and not 200${reason}`, { cause })
}

/** Says why there are no credentials, which an SDK looks for in many places and at other servers. */
export function asCredentialsError(cause: unknown, { name }: ObjectLocation): ObjectError {
  const isNone = cause instanceof Error && (NO_CREDENTIALS.test(cause.name) || NO_CREDENTIALS_TEXT.test(cause.message))
  if (isNone) return new ObjectError(`no credentials for ${name} were found in the environment`, { cause })
  const reason = codeOf(cause) ?? statusOf(cause) ?? 'unknown cause'
  return new ObjectError(`the credentials for ${name} could not be had (${reason})`, { cause })
}

/** The status of a whole answer, wherever the SDK keeps it. */
export function statusOf(cause: unknown): number | undefined {
  const candidates = [
    property(property(cause, '$metadata'), 'httpStatusCode'),
    property(cause, 'statusCode'),
    property(cause, 'status'),
    property(cause, 'code'),
  ]
  return candidates.find((value) => typeof value === 'number' && value >= 100 && value <= 599) as number | undefined
}

function codeOf(cause: unknown): string | undefined {
  const candidates = [
    property(cause, 'code'),
    property(property(cause, 'cause'), 'code'),
    property(cause, 'Code'),
    property(cause, 'name'),
  ]
  const isTelling = (value: unknown): value is string =>
    typeof value === 'string' && value !== 'Error' && NAME.test(value)
  return candidates.find(isTelling)
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
