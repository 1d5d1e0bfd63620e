/** Not for the next hop (RFC 9110 §7.6.1); `Trailer` goes with the trailers. */
const HOP_BY_HOP = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** What a trailer must not say: framing, routing and credentials are decided when the head is read. */
const NEVER_TRAILERS = new Set([
  ...HOP_BY_HOP,
  'content-length',
  'content-encoding',
  'content-type',
  'content-range',
  'host',
  'set-cookie',
  'cookie',
  'authorization',
  'cache-control',
  'location',
  'trailer',
])

export interface ResponseHead {
  /** Name, value, name, value, …, octet for octet as the upstream wrote them. */
  readonly flat: string[]
  readonly isEventStream: boolean
  /** In octets; -1 when the upstream does not say. */
  readonly contentLength: number
}

/** The headers of an upstream's answer that go on to the client, from undici's raw lines. */
export function responseHeaders(raw: readonly Buffer[]): ResponseHead {
  const flat: string[] = []
  let named: string[] | undefined
  let isEventStream = false
  let contentLength = -1
  for (let i = 0; i < raw.length; i += 2) {
    const name = latin1(raw[i] as Buffer)
    const value = latin1(raw[i + 1] as Buffer)
    const lower = name.toLowerCase()
    if (HOP_BY_HOP.has(lower)) {
      if (lower === 'connection' && !ORDINARY_OPTION.test(value)) (named ??= []).push(...value.toLowerCase().split(','))
      continue
    }
    if (lower === 'content-type') isEventStream = EVENT_STREAM.test(value)
    else if (lower === 'content-length') contentLength = Number(value)
    flat.push(name, value)
  }
  return { flat: named === undefined ? flat : withoutNamed(flat, named), isEventStream, contentLength }
}

const EVENT_STREAM = /^text\/event-stream\s*(?:;|$)/i
const ORDINARY_OPTION = /^(?:keep-alive|close)$/i

/** Without the detour by which `toString` finds out about the encoding. */
function latin1(octets: Buffer & { latin1Slice?(): string }): string {
  return octets.latin1Slice === undefined ? octets.toString('latin1') : octets.latin1Slice()
}

/** The trailers of an upstream's answer that go on to the client. */
export function responseTrailers(raw: readonly Buffer[]): [name: string, value: string][] {
  const trailers: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as Buffer).toString('latin1')
    if (!NEVER_TRAILERS.has(name.toLowerCase())) trailers.push([name, (raw[i + 1] as Buffer).toString('latin1')])
  }
  return trailers
}

function withoutNamed(flat: string[], options: readonly string[]): string[] {
  const named = new Set(options.map((option) => option.trim()))
  named.delete('close')
  named.delete('keep-alive')
  named.delete('content-length')
  named.delete('')
  if (named.size === 0) return flat
  const kept: string[] = []
  for (let i = 0; i < flat.length; i += 2) {
    if (!named.has((flat[i] as string).toLowerCase())) kept.push(flat[i] as string, flat[i + 1] as string)
  }
  return kept
}
