import { once } from 'node:events'
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { octetsField } from '../../src/lib/protobuf.ts'

/** What a gateway asks, in words of a test; held to what Go's own library writes by check-request.test.ts. */
export interface TestCheck {
  readonly method?: string
  readonly path?: string
  readonly host?: string
  readonly scheme?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Whether the headers go one by one and raw, as with Envoy's `encode_raw_headers`. */
  readonly raw?: boolean
  readonly body?: string | Buffer
  readonly source?: string
}

export function encodeCheck(check: TestCheck): Buffer {
  const { method = 'GET', path = '/', host = 'app.example', scheme = 'http', headers = [], body, source } = check
  const listed = headers.map(([name, value]) =>
    check.raw === true
      ? octetsField(1, text(1, name), octetsField(3, Buffer.from(value, 'latin1')))
      : octetsField(3, octetsField(1, Buffer.from(name)), octetsField(2, Buffer.from(value))),
  )
  const http = Buffer.concat([
    text(2, method),
    ...(check.raw === true ? [] : listed),
    text(4, path),
    text(5, host),
    text(6, scheme),
    ...(typeof body === 'string' ? [text(11, body)] : []),
    ...(Buffer.isBuffer(body) ? [octetsField(12, body)] : []),
    ...(check.raw === true ? [octetsField(13, ...listed)] : []),
  ])
  const peer = source === undefined ? [] : [octetsField(1, octetsField(1, octetsField(1, text(2, source))))]
  return octetsField(1, ...peer, octetsField(4, octetsField(2, http)))
}

function text(field: number, value: string): Buffer {
  return value === '' ? Buffer.alloc(0) : octetsField(field, Buffer.from(value))
}

export interface TestCheckResponse {
  readonly code: number
  /** Nothing when the request is not let through. */
  readonly ok: { readonly set: Record<string, string>; readonly remove: readonly string[] } | undefined
  readonly denied:
    | {
        readonly status: number
        readonly headers: readonly (readonly [name: string, value: string, append: boolean])[]
        readonly body: string
      }
    | undefined
}

export function decodeCheckResponse(message: Buffer): TestCheckResponse {
  const response = parse(message)
  const ok = messageAt(response, 3)
  const denied = messageAt(response, 2)
  return {
    code: numberAt(messageAt(response, 1), 1),
    ok: ok && {
      set: Object.fromEntries(headersAt(ok).map(([name, value]) => [name, value])),
      remove: (ok.get(5) ?? []).map(String),
    },
    denied: denied && {
      status: numberAt(messageAt(denied, 1), 1),
      headers: headersAt(denied),
      body: String(denied.get(3)?.[0] ?? ''),
    },
  }
}

type Fields = ReadonlyMap<number, readonly (number | Buffer)[]>

function headersAt(fields: Fields): [string, string, boolean][] {
  return (fields.get(2) ?? []).map((option) => {
    const parsed = parse(option as Buffer)
    const header = messageAt(parsed, 1)
    return [
      String(header?.get(1)?.[0] ?? ''),
      String(header?.get(2)?.[0] ?? ''),
      numberAt(messageAt(parsed, 2), 1) === 1,
    ]
  })
}

function messageAt(fields: Fields | undefined, field: number): Fields | undefined {
  const value = fields?.get(field)?.at(-1)
  return value === undefined ? undefined : parse(value as Buffer)
}

function numberAt(fields: Fields | undefined, field: number): number {
  return (fields?.get(field)?.at(-1) as number | undefined) ?? 0
}

/** Varints and octets only. */
function parse(message: Buffer): Fields {
  const fields = new Map<number, (number | Buffer)[]>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const octet = message[at++] as number
      value += (octet & 0x7f) * 2 ** shift
      if (octet < 0x80) return value
    }
  }
  while (at < message.length) {
    const tag = varint()
    const number = varint()
    const isOctets = (tag & 7) === 2
    const value = isOctets ? message.subarray(at, at + number) : number
    if (isOctets) at += number
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

export interface GrpcAnswer {
  readonly headers: IncomingHttpHeaders
  /** `grpc-status`, wherever it stands; nothing when there is none. */
  readonly status: number | undefined
  readonly statusMessage: string | undefined
  readonly message: Buffer | undefined
}

/** A client of gRPC over HTTP/2 in clear text. */
export class GrpcClient implements Disposable {
  readonly session: ClientHttp2Session

  constructor(port: number, options: { readonly ca?: Buffer } = {}) {
    const url = options.ca === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`
    this.session = connect(url, { ...options })
    this.session.on('error', () => {})
  }

  /** Calls with one message, in pieces when it is a list; `undefined` sends no end. */
  async call(
    path: string,
    message: Buffer | readonly (Buffer | undefined)[],
    headers: OutgoingHttpHeaders = {},
  ): Promise<GrpcAnswer> {
    const stream = this.session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    let answered: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    const chunks: Buffer[] = []
    stream.on('response', (received) => (answered = received))
    stream.on('trailers', (received) => (trailers = received))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', () => {})
    const pieces: readonly (Buffer | undefined)[] = Buffer.isBuffer(message) ? [frame(message)] : message
    for (const piece of pieces) if (piece !== undefined) stream.write(piece)
    if (!pieces.includes(undefined)) stream.end()
    await once(stream, 'close')
    const data = Buffer.concat(chunks)
    const status = trailers['grpc-status'] ?? answered['grpc-status']
    return {
      headers: answered,
      status: status === undefined ? undefined : Number(status),
      statusMessage: String(trailers['grpc-message'] ?? answered['grpc-message'] ?? '') || undefined,
      message: data.length === 0 ? undefined : data.subarray(5),
    }
  }

  async check(check: TestCheck): Promise<TestCheckResponse> {
    const answer = await this.call(CHECK, encodeCheck(check))
    if (answer.status !== 0 || answer.message === undefined) throw new Error(`the call failed: ${answer.status}`)
    return decodeCheckResponse(answer.message)
  }

  [Symbol.dispose](): void {
    this.session.destroy()
  }
}

export const CHECK = '/envoy.service.auth.v3.Authorization/Check'

/** A message with its prefix. */
export function frame(message: Buffer, flag = 0): Buffer {
  const prefix = Buffer.from([flag, 0, 0, 0, 0])
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}
