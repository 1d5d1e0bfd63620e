import { createOutbound, type Outbound, type OutboundResponse } from '../../lib/outbound.ts'
import { type Fetched, polledSource } from './polled.ts'
import type { RuleSource, SourceContext } from './source.ts'

/** What a server calls the version that it gave. */
interface Validators {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

/** For everything: connecting, redirects, the last octet. */
const DEADLINE_MS = 15_000
const MAX_BYTES = 32 * 1024 * 1024
const MAX_REDIRECTS = 10
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** Rules from a web server: `http://` or `https://`. Whatever answers must answer 200. */
export function httpSource(location: string, context: SourceContext): RuleSource {
  const url = new URL(location)
  const outbound = createOutbound({ timeoutMs: DEADLINE_MS, maxBytes: MAX_BYTES, connections: 1 })
  return polledSource<Validators>(
    {
      name: nameOf(url),
      fetch: (known) => fetchRules(outbound, url, known),
      close: () => void outbound.close(),
    },
    context,
  )
}

/** A query or a user may be a secret. */
function nameOf({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}

async function fetchRules(
  outbound: Outbound,
  first: URL,
  known: Validators | undefined,
): Promise<Fetched<Validators> | undefined> {
  const endsAt = performance.now() + DEADLINE_MS
  let url = first
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const timeoutMs = Math.max(1, Math.ceil(endsAt - performance.now()))
    const answer = await outbound.call(withoutUser(url), {
      method: 'GET',
      headers: { accept: '*/*', ...authorization(url, first), ...conditions(known) },
      timeoutMs,
    })
    const target = REDIRECTS.has(answer.status) ? answer.header('location') : undefined
    if (target === undefined) return read(answer, url, known)
    url = follow(url, target)
  }
  throw new Error(`${nameOf(first)} redirects more than ${MAX_REDIRECTS} times`)
}

function read(answer: OutboundResponse, url: URL, known: Validators | undefined): Fetched<Validators> | undefined {
  if (answer.status === 304 && known !== undefined) return undefined
  if (answer.status !== 200) throw new Error(`${nameOf(url)} answered ${answer.status}, and not 200`)
  const [etag, lastModified] = [answer.header('etag'), answer.header('last-modified')]
  return { content: answer.body, known: { etag, lastModified } }
}

/** @see [RFC 9110 §13](https://www.rfc-editor.org/rfc/rfc9110.html#section-13) */
function conditions(known: Validators | undefined): Record<string, string> {
  if (known?.etag !== undefined) return { 'if-none-match': known.etag }
  if (known?.lastModified !== undefined) return { 'if-modified-since': known.lastModified }
  return {}
}

/** `https://user:password@host/…`, as in Oathkeeper; it goes to no other origin. */
function authorization(url: URL, { username, password, origin }: URL): Record<string, string> {
  if ((username === '' && password === '') || url.origin !== origin) return {}
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
}

function withoutUser({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search}`
}

function follow(from: URL, location: string): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined
  if (to === undefined || !/^https?:$/.test(to.protocol)) {
    throw new Error(`${nameOf(from)} redirects to what is no http(s) URL`)
  }
  // What came over TLS is not fetched over the open wire, where anybody could write the rules.
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new Error(`${nameOf(from)} redirects from https to http`)
  }
  return to
}
