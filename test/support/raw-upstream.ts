import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** A request as the upstream got it. */
export interface UpstreamRequest {
  readonly method: string
  readonly target: string
  readonly head: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Complete when the script ran; for a script that runs at the head, what has come so far. */
  readonly body: Buffer
  readonly connection: UpstreamConnection
  header(name: string): string | undefined
  values(name: string): string[]
}

export interface UpstreamConnection {
  readonly socket: Socket
  /** Every octet that came. */
  received: Buffer
  closed: boolean
  /** Resolves when the connection has ended, in whatever way. */
  readonly whenClosed: Promise<void>
  write(data: string | Uint8Array): void
}

/** What the upstream does about a request. */
export type UpstreamScript = (request: UpstreamRequest, connection: UpstreamConnection) => void | Promise<void>

export interface RawUpstream {
  readonly port: number
  readonly origin: string
  readonly host: string
  readonly requests: UpstreamRequest[]
  readonly connections: UpstreamConnection[]
  /** Replaces what is done about requests from now on. */
  script: UpstreamScript
  /** Whether the script runs at the end of the head, not of the body. */
  early: boolean
  /** Resolves when that many requests have come. */
  arrived(count: number): Promise<void>
  close(): Promise<void>
}

export const respond = (body: string, ...lines: readonly string[]): string =>
  `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

function doNothing(): void {}

/** An upstream made of a bare socket: it logs the octets it gets, and misbehaves as a test wants it to. */
export async function startRawUpstream(): Promise<RawUpstream> {
  // Without delay: what a test writes at some moment is on its way at that moment.
  const server = createServer({ noDelay: true })
  let onArrival = doNothing
  const upstream = {
    requests: [] as UpstreamRequest[],
    connections: [] as UpstreamConnection[],
    early: false,
    script: ((_request, connection) => connection.write(respond('upstream'))) as UpstreamScript,
  }

  server.on('connection', (socket) => {
    const connection: UpstreamConnection = {
      socket,
      received: Buffer.alloc(0),
      closed: false,
      whenClosed: new Promise<void>((resolve) => socket.once('close', () => resolve())),
      write: (data) => socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data),
    }
    upstream.connections.push(connection)
    let unread = Buffer.alloc(0)
    let announced = false
    socket.on('error', () => {})
    socket.on('close', () => {
      connection.closed = true
      onArrival()
    })
    socket.on('data', (chunk: Buffer) => {
      connection.received = Buffer.concat([connection.received, chunk])
      unread = Buffer.concat([unread, chunk])
      for (;;) {
        const parsed = parse(unread, connection)
        if (parsed === undefined) return
        if (upstream.early && !announced) arrive(parsed.request, connection)
        announced = upstream.early
        if (parsed.length === undefined) return
        unread = unread.subarray(parsed.length)
        if (!upstream.early) arrive(parsed.request, connection)
        announced = false
      }
    })
  })

  function arrive(request: UpstreamRequest, connection: UpstreamConnection): void {
    upstream.requests.push(request)
    onArrival()
    void upstream.script(request, connection)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return Object.assign(upstream, {
    port,
    origin: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    async arrived(count: number) {
      while (upstream.requests.length < count) {
        await new Promise<void>((resolve) => {
          onArrival = resolve
        })
      }
    },
    async close() {
      for (const { socket } of upstream.connections) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  })
}

function parse(
  data: Buffer,
  connection: UpstreamConnection,
): { request: UpstreamRequest; length: number | undefined } | undefined {
  const end = data.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const head = data.subarray(0, end).toString('latin1')
  const [first = '', ...rest] = head.split('\r\n')
  const headers = rest.map(
    (line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const,
  )
  const values = (name: string): string[] =>
    headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value)
  const [method = '', target = ''] = first.split(' ')
  const after = data.subarray(end + 4)
  const chunked = values('transfer-encoding')[0] === 'chunked'
  const body = chunked ? unchunk(after) : sized(after, Number(values('content-length')[0] ?? 0))
  const request = {
    method,
    target,
    head,
    headers,
    body: body?.content ?? after,
    connection,
    values,
    header: (name: string) => values(name)[0],
  }
  return { request, length: body === undefined ? undefined : end + 4 + body.length }
}

function sized(data: Buffer, length: number): { content: Buffer; length: number } | undefined {
  return data.length < length ? undefined : { content: data.subarray(0, length), length }
}

function unchunk(data: Buffer): { content: Buffer; length: number } | undefined {
  const chunks: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = data.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(data.subarray(at, lineEnd).toString('latin1'), 16)
    const end = lineEnd + 2 + size + 2
    if (data.length < end) return undefined
    chunks.push(data.subarray(lineEnd + 2, lineEnd + 2 + size))
    if (size === 0) return { content: Buffer.concat(chunks), length: end }
    at = end
  }
}
