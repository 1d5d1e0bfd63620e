import { GateError } from '../kernel/errors.ts'
import { cleanPath } from '../lib/go-path.ts'
import { escapePath, reencodePath, unescapePath } from '../lib/go-url.ts'

/** A request target, read once: the same values are matched against rules and forwarded. */
export interface Target {
  /** Decoded once and cleaned. */
  readonly path: string
  /** Encoded form of `path` where it is not Go's default encoding, else empty. */
  readonly rawPath: string
  /** Decoded and not cleaned, where cleaning took `..` away: what the path is to who decodes it and leaves it at that. */
  readonly uncleanPath: string | undefined
  /** As sent, without `?`. */
  readonly rawQuery: string
  /** Path and query as sent. */
  readonly originalUri: string
  /** Of an absolute-form target: it wins over the `Host` header. */
  readonly authority: string | undefined
}

export interface TargetRules {
  /** `access_rules.trailing_slash`: `strip` drops the slash at the end of every path, as Oathkeeper 26 does. */
  readonly trailingSlash: 'keep' | 'strip'
  /** `serve.proxy.strict_paths`: encoded slashes, backslashes, dots and NUL, and dots with a parameter are refused. */
  readonly strictPaths: boolean
}

/** What a character of a target means for reading it. */
const Plain = 0
const Refused = 1
/** The path needs decoding, or its default encoding differs. */
const Encoded = 2
const Backslash = 3
const Slash = 4
const Dot = 5
const Question = 6

const KIND = new Uint8Array(256).fill(Encoded)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~$&+,:;=@') {
  KIND[char.charCodeAt(0)] = Plain
}
for (let code = 0; code <= 0x20; code++) KIND[code] = Refused
KIND[0x7f] = Refused
KIND['#'.charCodeAt(0)] = Refused
KIND['\\'.charCodeAt(0)] = Backslash
KIND['/'.charCodeAt(0)] = Slash
KIND['.'.charCodeAt(0)] = Dot
KIND['?'.charCodeAt(0)] = Question

const ABSOLUTE = /^https?:\/\/([^/?#]*)/i
/** Java's servlet containers drop what stands behind a `;` in a segment: to them `..;` is `..`. */
const DANGERS = /%(?:2f|5c|2e|00)|\/\.{1,2};/i

/**
 * Reads the target of a request line: origin-form or absolute-form. The asterisk-form is for the caller to answer.
 * A control character, a space or a `#` anywhere, a backslash in the path, and a `%` without two hexadecimal digits in
 * the path are refused.
 * @throws {GateError} ERR_REQUEST_MALFORMED
 */
export function readTarget(raw: string, rules: TargetRules): Target {
  if (raw.charCodeAt(0) === 0x2f) return readPathAndQuery(raw, undefined, rules)
  const absolute = ABSOLUTE.exec(raw)
  if (absolute === null) throw malformed('The request target is neither a path nor an http URL')
  const rest = raw.slice(absolute[0].length)
  return readPathAndQuery(rest.startsWith('/') ? rest : `/${rest}`, absolute[1], rules)
}

/**
 * Reads what a gateway says the request target was (`X-Forwarded-Uri`), by the same rules. What does not begin with a
 * slash, or holds NUL, which no gateway passes on, is no path of any rule.
 * @throws {GateError} ERR_REQUEST_MALFORMED, ERR_RULE_NOT_FOUND
 */
export function readForwardedUri(raw: string, rules: TargetRules): Target {
  if (raw.charCodeAt(0) !== 0x2f) throw new GateError('ERR_RULE_NOT_FOUND', { detail: 'X-Forwarded-Uri is not a path' })
  const target = readPathAndQuery(raw, undefined, rules)
  if (target.path.includes('\0')) throw new GateError('ERR_RULE_NOT_FOUND', { detail: 'X-Forwarded-Uri holds NUL' })
  return target
}

function readPathAndQuery(raw: string, authority: string | undefined, rules: TargetRules): Target {
  let pathEnd = raw.length
  let encoded = false
  let unclean = false
  let before: number = Plain
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i)
    const kind = code < 256 ? (KIND[code] as number) : Refused
    if (kind === Refused) throw malformed('The request target holds a character that is not allowed there')
    if (pathEnd !== raw.length) continue
    if (kind === Question) pathEnd = i
    else if (kind === Backslash) throw malformed('The path holds a backslash')
    else if (kind === Encoded) encoded = true
    else if (before === Slash && (kind === Slash || kind === Dot)) unclean = true
    before = kind
  }
  const sent = pathEnd === raw.length ? raw : raw.slice(0, pathEnd)
  const rawQuery = raw.slice(pathEnd + 1)
  const endsInSlash = sent.length > 1 && sent.charCodeAt(sent.length - 1) === 0x2f
  if (!encoded && !unclean && !(endsInSlash && rules.trailingSlash === 'strip')) {
    return { path: sent, rawPath: '', uncleanPath: undefined, rawQuery, originalUri: raw, authority }
  }
  return { ...readPath(sent, rules), rawQuery, originalUri: raw, authority }
}

function readPath(sent: string, rules: TargetRules): Pick<Target, 'path' | 'rawPath' | 'uncleanPath'> {
  if (rules.strictPaths && DANGERS.test(sent)) {
    throw malformed('The path holds an encoded slash, backslash, dot or NUL, or dots with a parameter')
  }
  const decoded = unescapePath(sent)
  if (decoded === undefined) throw malformed('The path holds a percent sign without two hexadecimal digits')
  const path = normalise(decoded, rules)
  const encoded = path === decoded ? sent : normalise(reencodePath(sent), rules)
  const uncleanPath = decoded.split('/').includes('..') ? decoded : undefined
  return { path, rawPath: encoded === escapePath(path) ? '' : encoded, uncleanPath }
}

function normalise(path: string, rules: TargetRules): string {
  const clean = cleanPath(path)
  return rules.trailingSlash === 'keep' && path.endsWith('/') && clean !== '/' ? `${clean}/` : clean
}

function malformed(reason: string): GateError {
  return new GateError('ERR_REQUEST_MALFORMED', { reason })
}
