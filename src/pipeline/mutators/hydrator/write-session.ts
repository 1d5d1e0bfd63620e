import type { Exchange, MatchedUrl } from '../../../kernel/exchange.ts'
import type { HeaderList } from '../../../kernel/headers.ts'
import { canonicalHeaderName } from '../../../lib/go-header.ts'
import { goJson } from '../../../lib/go-json.ts'
import { fromHeaderValue } from '../../../lib/header-value.ts'

/**
 * Writes an exchange as Oathkeeper writes its authentication session.
 * @param clientHeaders what the client sent
 */
export function writeSession(exchange: Exchange, clientHeaders: HeaderList): string {
  const { subject, extra } = exchange
  return goJson(
    new Map<string, unknown>([
      ['subject', subject],
      ['extra', extra ?? null],
      ['header', sessionHeader(exchange, clientHeaders)],
      ['match_context', matchContext(exchange, clientHeaders)],
    ]),
  )
}

type HeaderJson = Record<string, string[]>

/** After `noop`, which shares one map between session and request in Oathkeeper, the headers of the request are in it. */
function sessionHeader({ headers, mirrorsHeaders }: Exchange, clientHeaders: HeaderList): HeaderJson | null {
  const header = mirrorsHeaders ? headerJson(clientHeaders) : {}
  for (const [name, values] of headers) header[name] = values.map(fromHeaderValue)
  return headers.size === 0 && !mirrorsHeaders ? null : header
}

function matchContext(exchange: Exchange, clientHeaders: HeaderList): Map<string, unknown> {
  const { request, captureGroups } = exchange
  const { scheme, host, path, rawPath, rawQuery } = request
  const url = { ...NO_URL, scheme, host, path, rawPath, rawQuery }
  const own = { captureGroups, url, method: request.method, headers: clientHeaders }
  const context = exchange.matchContext ?? own
  return new Map<string, unknown>([
    ['regexp_capture_groups', context.captureGroups ?? null],
    ['url', context.url === undefined ? null : urlJson(context.url)],
    ['method', context.method],
    ['header', context.headers === undefined ? null : headerJson(context.headers)],
  ])
}

const NO_URL: MatchedUrl = {
  scheme: '',
  opaque: '',
  host: '',
  path: '',
  rawPath: '',
  rawQuery: '',
  fragment: '',
  rawFragment: '',
  forceQuery: false,
  omitHost: false,
}

function urlJson(url: MatchedUrl): Map<string, unknown> {
  return new Map<string, unknown>([
    ['Scheme', url.scheme],
    ['Opaque', url.opaque],
    ['User', null],
    ['Host', url.host],
    ['Path', url.path],
    ['Fragment', url.fragment],
    ['RawQuery', url.rawQuery],
    ['RawPath', url.rawPath],
    ['RawFragment', url.rawFragment],
    ['ForceQuery', url.forceQuery],
    ['OmitHost', url.omitHost],
  ])
}

/** Go keeps these beside the headers of a request, not among them. */
const NOT_AMONG_HEADERS = new Set(['Host', 'Transfer-Encoding', 'Trailer'])

function headerJson(headers: HeaderList): HeaderJson {
  const json: HeaderJson = {}
  for (const [wireName, value] of headers) {
    const name = canonicalHeaderName(wireName)
    if (!NOT_AMONG_HEADERS.has(name)) (json[name] ??= []).push(fromHeaderValue(value))
  }
  return json
}
