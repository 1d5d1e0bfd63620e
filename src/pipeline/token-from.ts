import { z } from 'zod'
import type { RequestView } from '../kernel/request.ts'
import { readCookies } from '../lib/go-cookie.ts'
import { readQuery } from '../lib/go-query.ts'
import { stringOf } from '../lib/go-string.ts'

/** Where a token is: exactly one place. */
export const tokenFromSchema = z
  .union(
    [
      z.null(),
      z.strictObject({ header: z.string() }),
      z.strictObject({ query_parameter: z.string() }),
      z.strictObject({ cookie: z.string() }),
    ],
    'must be exactly one of header, query_parameter and cookie, with its name',
  )
  .optional()
  .describe('Where the token is: `header`, `query_parameter` or `cookie`, with its name. Default: `Authorization`.')

export type TokenFrom = z.output<typeof tokenFromSchema>

/** Reads the token of a request; empty when there is none. */
export type TokenReader = (request: RequestView) => string

/** Compiles `token_from`. */
export function compileTokenReader(from: TokenFrom): TokenReader {
  if (from === null || from === undefined) return readBearer
  if ('query_parameter' in from) return ({ rawQuery }) => readParameter(rawQuery, from.query_parameter)
  if ('cookie' in from) return ({ headers }) => readCookie(headers.getAll('cookie'), from.cookie)
  // Only this spelling has a scheme in front, as in Oathkeeper.
  if (from.header === 'Authorization') return readBearer
  const name = from.header.toLowerCase()
  return ({ headers }) => decodeWire(headers.get(name) ?? '')
}

function readBearer({ headers }: RequestView): string {
  const value = headers.get('authorization')
  if (value === undefined) return ''
  const space = value.indexOf(' ')
  // RFC 9110 §11.1: schemes are compared without regard to case.
  if (space !== BEARER.length || value.slice(0, space).toLowerCase() !== BEARER) return ''
  return decodeWire(value.slice(space + 1))
}

const BEARER = 'bearer'

function readParameter(rawQuery: string, name: string): string {
  return rawQuery === '' ? '' : (readQuery(rawQuery).get(name)?.[0] ?? '')
}

function readCookie(lines: readonly string[], name: string): string {
  return readCookies(lines).find((cookie) => cookie.name === name)?.value ?? ''
}

/** A header is bytes, one character each; a token is a text. */
function decodeWire(value: string): string {
  return /[^\x00-\x7f]/.test(value) ? stringOf(Buffer.from(value, 'latin1')) : value
}
