import { ObjectError } from './client.ts'
import type { ObjectLocation } from './location.ts'

/** Names that the SDKs give errors, and the codes of the stores; anything else might repeat what is secret. */
const NAME = /^[A-Za-z][A-Za-z0-9_.]{2,63}$/
const NO_CREDENTIALS_NAME =
  /^(?:CredentialsProvider|CredentialUnavailable|AuthenticationRequired|AggregateAuthentication)/
/** The one of Google has no name of its own. */
const NO_CREDENTIALS_TEXT = /^Could not load the default credentials/

/** Says why an SDK failed. What it says itself stays out: such a message may hold a signed URL or a token. */
export function asObjectError(cause: unknown, { name }: ObjectLocation): ObjectError {
  if (cause instanceof ObjectError) return cause
  const status = statusOf(cause)
  const code = codeOf(cause)
  if (status !== undefined) {
    return new ObjectError(`${name} answered ${status}, and not 200${code === undefined ? '' : ` (${code})`}`, {
      cause,
    })
  }
  if (hasNoCredentials(cause)) {
    return new ObjectError(`no credentials for ${name} were found in the environment`, { cause })
  }
  return new ObjectError(`${name} could not be asked (${code ?? 'unknown cause'})`, { cause })
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

function hasNoCredentials(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  return NO_CREDENTIALS_NAME.test(cause.name) || NO_CREDENTIALS_TEXT.test(cause.message)
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
