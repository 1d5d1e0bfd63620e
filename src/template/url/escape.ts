import { bytesOf, stringOf } from '../../lib/go-string.ts'

export type UrlPart = 'path' | 'segment' | 'host' | 'zone' | 'user' | 'query' | 'fragment'

/** What stays as it is in each part beside letters, digits and `-_.~`. */
const SAFE: Readonly<Record<UrlPart, string>> = {
  path: '$&+,/:;=@',
  segment: '$&+:=@',
  host: '!$&\'()*+,;=:[]<>"',
  zone: '!$&\'()*+,;=:[]<>"',
  user: '$&+,;=',
  query: '',
  fragment: '$&+,/:;=?@!()*',
}
const UNRESERVED = /^[A-Za-z0-9\-_.~]*$/

/** Percent-encodes a text for a part of a URL, as Go does. */
export function escapePart(text: string, part: UrlPart): string {
  if (UNRESERVED.test(text)) return text
  let out = ''
  for (const byte of bytesOf(text)) {
    const char = String.fromCharCode(byte)
    if (isSafe(byte, part)) out += char
    else if (part === 'query' && byte === 0x20) out += '+'
    else out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

/**
 * Decodes a part of a URL.
 * @throws {Error} on a malformed escape or, in a host, on what may not stand there
 */
export function unescapePart(text: string, part: UrlPart): string {
  const isHost = part === 'host' || part === 'zone'
  if (!isHost && !text.includes('%') && !(part === 'query' && text.includes('+'))) return text
  const bytes: number[] = []
  const from = bytesOf(text)
  for (let i = 0; i < from.length; i++) {
    const byte = from[i] as number
    if (byte === 0x25) {
      const escape = from.subarray(i, i + 3).toString('latin1')
      const value = /^%[0-9a-fA-F]{2}$/.test(escape) ? Number.parseInt(escape.slice(1), 16) : -1
      const isAllowed =
        part === 'host'
          ? value >= 0x80 || escape === '%25'
          : part !== 'zone' || escape === '%25' || value === 0x20 || isSafe(value, 'host')
      if (value < 0 || !isAllowed) throw new Error(`invalid URL escape ${JSON.stringify(escape)}`)
      bytes.push(value)
      i += 2
    } else if (isHost && byte < 0x80 && !isSafe(byte, part)) {
      throw new Error(`invalid character ${JSON.stringify(String.fromCharCode(byte))} in host name`)
    } else bytes.push(part === 'query' && byte === 0x2b ? 0x20 : byte)
  }
  return stringOf(Uint8Array.from(bytes))
}

/** Whether a text is a proper encoding of a part, with more characters left as they are than we would leave. */
export function isValidEncoding(text: string, part: 'path' | 'fragment'): boolean {
  for (const byte of bytesOf(text)) {
    if (!"!$&'()*+,;=:@[]%".includes(String.fromCharCode(byte)) && !isSafe(byte, part)) return false
  }
  return true
}

function isSafe(byte: number, part: UrlPart): boolean {
  const char = String.fromCharCode(byte)
  return byte < 0x80 && (UNRESERVED.test(char) || SAFE[part].includes(char))
}
