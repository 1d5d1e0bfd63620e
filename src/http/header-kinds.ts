/** What a header of a request is to a front. */
export const HeaderKind = {
  EndToEnd: 0,
  Host: 1,
  ContentLength: 2,
  TransferEncoding: 3,
  Authorization: 4,
  Connection: 5,
  Upgrade: 6,
  Te: 7,
  Expect: 8,
  /** Belongs to this connection alone: never forwarded. */
  HopByHop: 9,
  /** Says what an earlier hop saw: `X-Forwarded-*`, `X-Real-Ip`, …; believed from trusted proxies only. */
  Forwarded: 10,
  /** RFC 7239; read from trusted proxies, never forwarded, as in Oathkeeper. */
  Rfc7239: 11,
  RequestId: 12,
  MaxForwards: 13,
  /** Never forwarded: `serve.proxy.strip_request_headers`, and other spellings of headers that mean something here. */
  Stripped: 14,
} as const
export type HeaderKind = (typeof HeaderKind)[keyof typeof HeaderKind]

export type HeaderClassifier = (wireName: string) => HeaderKind

const KNOWN: readonly (readonly [kind: HeaderKind, ...names: string[]])[] = [
  [HeaderKind.Host, 'host'],
  [HeaderKind.ContentLength, 'content-length'],
  [HeaderKind.TransferEncoding, 'transfer-encoding'],
  [HeaderKind.Authorization, 'authorization'],
  [HeaderKind.Connection, 'connection'],
  [HeaderKind.Upgrade, 'upgrade'],
  [HeaderKind.Te, 'te'],
  [HeaderKind.Expect, 'expect'],
  [
    HeaderKind.HopByHop,
    'proxy-connection',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authorization',
    'trailer',
    'http2-settings',
  ],
  [
    HeaderKind.Forwarded,
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-method',
    'x-forwarded-proto',
    'x-forwarded-uri',
    'x-real-ip',
    'x-original-url',
    'x-rewrite-url',
  ],
  [HeaderKind.Rfc7239, 'forwarded'],
  [HeaderKind.RequestId, 'x-request-id'],
  [HeaderKind.MaxForwards, 'max-forwards'],
]

/** Sent by every browser: recognised without a look at their letters. */
const ORDINARY = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Cache-Control',
  'Content-Type',
  'Cookie',
  'If-Modified-Since',
  'If-None-Match',
  'Origin',
  'Pragma',
  'Priority',
  'Range',
  'Referer',
  'Sec-Fetch-Dest',
  'Sec-Fetch-Mode',
  'Sec-Fetch-Site',
  'Sec-Fetch-User',
  'Upgrade-Insecure-Requests',
  'User-Agent',
]

/**
 * Makes the function that says what a header is, by its name in any spelling of the wire.
 * Servers that hand headers to programs as variables (CGI, WSGI, FastCGI) do not tell `X_User` and `X.User` from
 * `X-User`: such a spelling of a header that means something here is always stripped.
 * @param strip names that are removed from every request, in every spelling
 */
export function createHeaderClassifier(strip: readonly string[]): HeaderClassifier {
  const byName = new Map<string, HeaderKind>()
  for (const name of ORDINARY) {
    byName.set(name, HeaderKind.EndToEnd)
    byName.set(name.toLowerCase(), HeaderKind.EndToEnd)
  }
  for (const [kind, ...names] of KNOWN) {
    for (const name of names) {
      byName.set(name, kind)
      byName.set(capitalised(name), kind)
    }
  }
  for (const name of strip) {
    const lower = withDashes(name.toLowerCase())
    byName.set(lower, HeaderKind.Stripped)
    byName.delete(capitalised(lower))
    for (const known of ORDINARY) if (known.toLowerCase() === lower) byName.set(known, HeaderKind.Stripped)
  }
  return (wireName) => {
    const known = byName.get(wireName)
    if (known !== undefined) return known
    const lower = wireName.toLowerCase()
    const dashed = withDashes(lower)
    const kind = byName.get(dashed) ?? (dashed.startsWith('x-forwarded') ? HeaderKind.Forwarded : HeaderKind.EndToEnd)
    return kind !== HeaderKind.EndToEnd && dashed !== lower ? HeaderKind.Stripped : kind
  }
}

function withDashes(lowerName: string): string {
  return lowerName.includes('_') || lowerName.includes('.') ? lowerName.replace(/[_.]/g, '-') : lowerName
}

function capitalised(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase())
}
