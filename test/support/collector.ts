import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from './eventually.ts'

/** A span as OTLP has it in JSON. */
export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: number
  readonly status: { readonly code?: number; readonly message?: string }
  readonly attributes: Readonly<Record<string, unknown>>
  /** Of the resource. */
  readonly source: Readonly<Record<string, unknown>>
}

/** An OpenTelemetry collector that keeps what it is sent by OTLP over HTTP. */
export interface Collector {
  /** `host:port` */
  readonly address: string
  readonly spans: CollectedSpan[]
  readonly requests: { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string }[]
  /** Answers from now on. */
  status: number
  arrived(count: number): Promise<CollectedSpan[]>
  close(): void
}

interface OtlpValue {
  readonly stringValue?: string
  readonly intValue?: number | string
  readonly boolValue?: boolean
}
type OtlpAttributes = readonly { readonly key: string; readonly value: OtlpValue }[]
interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpAttributes }
    readonly scopeSpans: readonly { readonly spans: readonly (CollectedSpan & { attributes: OtlpAttributes })[] }[]
  }[]
}

export async function startCollector(): Promise<Collector> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      made.requests.push({ url: request.url ?? '', headers: request.headers, body })
      if (made.status === 200 && request.url === '/v1/traces')
        made.spans.push(...spansOf(JSON.parse(body) as OtlpTraces))
      response.writeHead(made.status, { 'content-type': 'application/json' }).end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const made: Collector = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    requests: [],
    status: 200,
    arrived: (count) =>
      eventually(
        () => made.spans,
        (spans) => spans.length >= count,
        15_000,
      ),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return made
}

function spansOf({ resourceSpans }: OtlpTraces): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({ ...span, attributes: read(span.attributes), source: read(resource.attributes) })),
    ),
  )
}

function read(attributes: OtlpAttributes): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.boolValue ?? Number(value.intValue)]),
  )
}
