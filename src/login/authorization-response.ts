import { parseQuery } from '../lib/query.ts'
import { LoginFailure } from './failure.ts'

/** What the provider sends the browser back with. All of it is hostile input. */
export interface AuthorizationResponse {
  readonly state: string
  readonly issuer: string | undefined
  readonly result: { readonly kind: 'code'; readonly code: string } | { readonly kind: 'error'; readonly error: string }
}

const MAX_CODE_CHARS = 4096
const VISIBLE = /^[\x20-\x7e]+$/

/**
 * Reads the query of a callback. Parameters that we do not know are ignored; one that we know and that comes twice is
 * refused, because the provider and we could mean different ones.
 * @see [RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2)
 */
export function readAuthorizationResponse(rawQuery: string): AuthorizationResponse {
  const query = parseQuery(rawQuery)
  if (query === undefined) throw malformed('the query cannot be decoded')
  const read = (name: string): string | undefined => {
    const [value, ...more] = query.get(name) ?? []
    if (more.length > 0) throw malformed(`${name} is repeated`)
    return value
  }
  const state = read('state')
  const code = read('code')
  const error = read('error')
  const issuer = read('iss')
  if (state === undefined || !VISIBLE.test(state)) throw malformed('state is missing or malformed')
  if (code !== undefined && error !== undefined) throw malformed('code and error are both there')
  if (error !== undefined) return { state, issuer, result: { kind: 'error', error } }
  if (code === undefined || code.length > MAX_CODE_CHARS || !VISIBLE.test(code)) {
    throw malformed('code is missing or malformed')
  }
  return { state, issuer, result: { kind: 'code', code } }
}

function malformed(detail: string): LoginFailure {
  return new LoginFailure('request_malformed', { detail })
}
