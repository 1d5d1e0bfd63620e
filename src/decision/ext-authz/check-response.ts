import type { GrpcCode } from '../../grpc/status.ts'
import { numberField, octetsField } from '../../lib/protobuf.ts'

/** Name and value, in lower case and in wire form. */
export type HeaderPair = readonly [name: string, value: string]

/** What a gateway is to do to a request that it lets through. */
export interface Grant {
  /** Replace whatever the request has by that name. */
  readonly set: readonly HeaderPair[]
  readonly remove: readonly string[]
}

/** What a gateway is to answer to a request that it does not let through. */
export interface Denial {
  readonly code: GrpcCode
  /** Of HTTP. */
  readonly status: number
  readonly headers: readonly HeaderPair[]
  readonly body: string
}

/** Numbers of the fields, by message. */
const CheckResponse = { status: 1, deniedResponse: 2, okResponse: 3 } as const
const Status = { code: 1 } as const
const OkHttpResponse = { headers: 2, headersToRemove: 5 } as const
const DeniedHttpResponse = { status: 1, headers: 2, body: 3 } as const
const HttpStatus = { code: 1 } as const
const HeaderValueOption = { header: 1, append: 2 } as const
const HeaderValue = { key: 1, value: 2 } as const
const BoolValue = { value: 1 } as const

const APPEND = octetsField(HeaderValueOption.append, numberField(BoolValue.value, 1))
/** Written out, because Envoy's default is not the same everywhere. */
const REPLACE = octetsField(HeaderValueOption.append, Buffer.alloc(0))
/** `OK` is 0, which needs no octets. */
const OK = octetsField(CheckResponse.status, Buffer.alloc(0))

/** Writes Envoy's `CheckResponse` (envoy.service.auth.v3) that lets a request through. */
export function writeGrant({ set, remove }: Grant): Buffer {
  const ok = octetsField(
    CheckResponse.okResponse,
    ...set.map((pair) => header(OkHttpResponse.headers, pair, REPLACE)),
    ...remove.map((name) => octetsField(OkHttpResponse.headersToRemove, Buffer.from(name, 'latin1'))),
  )
  return Buffer.concat([OK, ok])
}

/**
 * Writes Envoy's `CheckResponse` that does not let a request through. It is an answer, not a failure of the check: a
 * gateway that lets requests through when checks fail (`failure_mode_allow`) does not let this one through.
 */
export function writeDenial({ code, status, headers, body }: Denial): Buffer {
  const counts = new Map<string, number>()
  for (const [name] of headers) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Buffer.concat([
    octetsField(CheckResponse.status, numberField(Status.code, code)),
    octetsField(
      CheckResponse.deniedResponse,
      octetsField(DeniedHttpResponse.status, numberField(HttpStatus.code, status)),
      // Of several lines of one name, such as Set-Cookie, none may replace the others.
      ...headers.map((pair) => header(DeniedHttpResponse.headers, pair, counts.get(pair[0]) === 1 ? REPLACE : APPEND)),
      text(DeniedHttpResponse.body, Buffer.from(body, 'utf8')),
    ),
  ])
}

function header(field: number, [name, value]: HeaderPair, option: Buffer): Buffer {
  return octetsField(
    field,
    octetsField(
      HeaderValueOption.header,
      text(HeaderValue.key, Buffer.from(name, 'latin1')),
      text(HeaderValue.value, Buffer.from(value, 'latin1')),
    ),
    option,
  )
}

/** An empty text is left out, as protobuf has it. */
function text(field: number, value: Buffer): Buffer {
  return value.length === 0 ? value : octetsField(field, value)
}
