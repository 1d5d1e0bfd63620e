import { isUtf8 } from 'node:buffer'
import { GateError } from '../../kernel/errors.ts'
import type { Exchange } from '../../kernel/exchange.ts'
import { withoutCookies } from '../../lib/without-cookies.ts'
import type { Grant, HeaderPair } from './check-response.ts'

/** Of the connection between the gateway and the upstream; nothing of the request or of a mutator may stand in their place. */
const FRAMING = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'proxy-connection',
  'keep-alive',
  'upgrade',
  'expect',
  'trailer',
  'te',
])
const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/
const NOT_IN_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/

/**
 * What a granted request is given on its way: the first value of each header of the pipeline, in place of whatever the client
 * sent by that name; without the headers of the client that the pipeline took away, in the spelling that they came in; and
 * without our own cookies, which are no application's business.
 * @param before the headers of the request as the pipeline got them
 * @throws {GateError} ERR_INTERNAL: a header cannot be sent
 */
export function grantOf(
  { request, headers }: Exchange,
  before: readonly string[],
  isOwnCookie: (name: string) => boolean,
): Grant {
  const sent = valuesOf(before)
  const set = new Map<string, string>()
  for (const [name, values] of headers) {
    const lower = name.toLowerCase()
    const value = values[0]
    if (value !== undefined && !FRAMING.has(lower)) set.set(lower, sendable(name, value))
  }
  const remove = [...sent.keys()].filter((name) => !set.has(name) && !request.headers.has(name) && !FRAMING.has(name))
  const cookies = set.get('cookie') ?? sent.get('cookie')?.join('; ')
  if (cookies !== undefined && !remove.includes('cookie')) {
    const others = withoutCookies(cookies, isOwnCookie)
    if (others === undefined) {
      set.delete('cookie')
      remove.push('cookie')
    } else if (others !== cookies) set.set('cookie', others)
  }
  // What the request has already needs no word: the mutator `noop` repeats every header of it.
  return { set: [...set].filter((pair) => !isThere(pair, sent)), remove }
}

function isThere([name, value]: HeaderPair, sent: ReadonlyMap<string, readonly string[]>): boolean {
  const values = sent.get(name)
  return values?.length === 1 && values[0] === value
}

function valuesOf(flat: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>()
  for (let i = 0; i < flat.length; i += 2) {
    const name = (flat[i] as string).toLowerCase()
    const known = values.get(name)
    if (known === undefined) values.set(name, [flat[i + 1] as string])
    else known.push(flat[i + 1] as string)
  }
  return values
}

/** As it stands, if a gateway can send it on: protobuf has no texts but UTF-8. */
function sendable(name: string, value: string): string {
  if (TOKEN.test(name) && !NOT_IN_VALUE.test(value) && isUtf8(Buffer.from(value, 'latin1'))) return value
  throw new GateError('ERR_INTERNAL', { detail: `the header ${JSON.stringify(name)} of a mutator cannot be sent` })
}
