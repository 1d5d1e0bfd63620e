import { ProtobufError, readFields } from '../../lib/protobuf.ts'

/** What Envoy's `CheckRequest` (envoy.service.auth.v3) says of an HTTP request. Texts hold one octet a character. */
export interface CheckedRequest {
  method: string
  /** Path and query as sent. */
  path: string
  host: string
  scheme: string
  /** Name, value, name, value, …, without the pseudo-headers. */
  readonly headers: string[]
  body: Buffer
  /** Address of the client, as Envoy determined it; empty when it is no IP address. */
  clientAddress: string
}

/** More than any gateway lets through; a request with more is not one to spend time on. */
const MAX_HEADERS = 1_000

/** Numbers of the fields, by message. */
const CheckRequest = { attributes: 1 } as const
const AttributeContext = { source: 1, request: 4 } as const
const Peer = { address: 1 } as const
const Address = { socketAddress: 1 } as const
const SocketAddress = { address: 2 } as const
const Request = { http: 2 } as const
const HttpRequest = {
  method: 2,
  headers: 3,
  path: 4,
  host: 5,
  scheme: 6,
  body: 11,
  rawBody: 12,
  headerMap: 13,
} as const
const HeaderMap = { headers: 1 } as const
/** Of a `HeaderValue`, and of an entry of a map, which has no `raw`. */
const Pair = { key: 1, value: 2, raw: 3 } as const

/**
 * Reads a `CheckRequest`. What occurs twice counts as protobuf says: the last text, all headers, messages merged.
 * @throws {ProtobufError} it is none, or is not about an HTTP request
 */
export function readCheckRequest(message: Buffer): CheckedRequest {
  const request: CheckedRequest = {
    method: '',
    path: '',
    host: '',
    scheme: '',
    headers: [],
    body: EMPTY,
    clientAddress: '',
  }
  let isHttp = false
  readFields(message, (field, attributes) => {
    if (field !== CheckRequest.attributes) return
    readFields(attributes, (part, value) => {
      if (part === AttributeContext.source) request.clientAddress = addressOf(value)
      if (part !== AttributeContext.request) return
      readFields(value, (kind, http) => {
        if (kind !== Request.http) return
        isHttp = true
        readHttp(http, request)
      })
    })
  })
  if (!isHttp) throw new ProtobufError('the check is not about an HTTP request')
  return request
}

const EMPTY = Buffer.alloc(0)

function readHttp(http: Buffer, request: CheckedRequest): void {
  readFields(http, (field, value) => {
    switch (field) {
      case HttpRequest.method:
        request.method = octets(value)
        break
      case HttpRequest.path:
        request.path = octets(value)
        break
      case HttpRequest.host:
        request.host = octets(value)
        break
      case HttpRequest.scheme:
        request.scheme = octets(value)
        break
      case HttpRequest.body:
      case HttpRequest.rawBody:
        // One of the two, as the gateway is configured.
        if (value.length > 0) request.body = value
        break
      case HttpRequest.headers:
        readHeader(value, request.headers)
        break
      case HttpRequest.headerMap:
        readFields(value, (part, header) => {
          if (part === HeaderMap.headers) readHeader(header, request.headers)
        })
    }
  })
}

function readHeader(pair: Buffer, headers: string[]): void {
  let key = ''
  let text = ''
  readFields(pair, (field, value) => {
    if (field === Pair.key) key = octets(value)
    else if ((field === Pair.value || field === Pair.raw) && value.length > 0) text = octets(value)
  })
  if (key === '' || key.startsWith(':')) return
  if (headers.length >= 2 * MAX_HEADERS) throw new ProtobufError('the request has too many headers')
  headers.push(key, text)
}

function addressOf(peer: Buffer): string {
  let found = ''
  readFields(peer, (field, address) => {
    if (field !== Peer.address) return
    readFields(address, (kind, socket) => {
      if (kind !== Address.socketAddress) return
      readFields(socket, (part, value) => {
        if (part === SocketAddress.address) found = octets(value)
      })
    })
  })
  return found
}

function octets(value: Buffer): string {
  return value.toString('latin1')
}
