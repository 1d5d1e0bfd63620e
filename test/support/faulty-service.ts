import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

/** A service that does everything wrong that a service can do. The first segment of the path says what. */
export interface FaultyService {
  readonly url: string
  /** Requests by the whole path. */
  readonly asked: string[]
  /** Connections that are open now. */
  readonly connections: number
  readonly maxConnections: number
  /** Where `redirect` leads; nobody may ever come here. */
  readonly elsewhere: { readonly url: string; readonly visits: number }
  [Symbol.asyncDispose](): Promise<void>
}

type Fault = (socket: Socket, redirectTo: string) => void

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
/** What every handler would take for a grant. */
const GRANT = '{"allowed":true,"subject":"anonymous","active":true,"sub":"anonymous","keys":[]}'

/** Ways to answer badly, by name. */
export const FAULTS = {
  silent: () => {},
  slow_head: (socket) => drip(socket, `${OK}Content-Length: ${GRANT.length}\r\n\r\n${GRANT}`),
  slow_body: (socket) => {
    socket.write(`${OK}Content-Length: 100000\r\n\r\n`)
    drip(socket, ' '.repeat(100_000))
  },
  closed: (socket) => void socket.end(),
  reset: (socket) => void socket.resetAndDestroy(),
  truncated: (socket) => void socket.end(`${OK}Content-Length: 100000\r\n\r\n${GRANT}`),
  not_http: (socket) => void socket.end('\x00\x01\x02 220 smtp.example ESMTP\r\n\r\n'),
  bad_framing: (socket) => void socket.end(`${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${GRANT}`),
  endless_body: (socket) => {
    socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`)
    flood(socket, `10000\r\n${' '.repeat(0x10000)}\r\n`)
  },
  endless_head: (socket) => {
    socket.write(OK)
    flood(socket, `X-More: ${'x'.repeat(8192)}\r\n`)
  },
  endless_continue: (socket) => flood(socket, 'HTTP/1.1 100 Continue\r\n\r\n'),
  encoded: (socket) =>
    void socket.end(`${OK}Content-Encoding: gzip\r\nContent-Length: ${GRANT.length}\r\n\r\n${GRANT}`),
  upgraded: (socket) =>
    void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
  redirect: (socket, to) =>
    void socket.end(`HTTP/1.1 307 Temporary Redirect\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`),
  failing: (socket) => void socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'),
  no_content: (socket) => void socket.end('HTTP/1.1 204 No Content\r\n\r\n'),
  unauthorized: (socket) => void socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'),
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof FAULTS

export async function startFaultyService(): Promise<FaultyService> {
  const sockets = new Set<Socket>()
  const asked: string[] = []
  let maxConnections = 0
  let visits = 0
  const elsewhere = createServer((socket) => {
    visits++
    socket.on('error', () => {}).end(`${OK}Content-Length: ${GRANT.length}\r\n\r\n${GRANT}`)
  })
  const server = createServer((socket) => {
    sockets.add(socket)
    maxConnections = Math.max(maxConnections, sockets.size)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    let head = ''
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      const path = head.split(' ', 2)[1] ?? ''
      asked.push(path)
      head = ''
      const name = path.split('/')[1] as FaultName
      FAULTS[name](socket, elsewhereUrl)
    })
  })
  for (const each of [server, elsewhere]) {
    each.listen(0, '127.0.0.1')
    await once(each, 'listening')
  }
  const elsewhereUrl = urlOf(elsewhere.address() as AddressInfo)
  return {
    url: urlOf(server.address() as AddressInfo),
    asked,
    get connections() {
      return sockets.size
    },
    get maxConnections() {
      return maxConnections
    },
    elsewhere: {
      url: elsewhereUrl,
      get visits() {
        return visits
      },
    },
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      elsewhere.close()
      return Promise.resolve()
    },
  }
}

function urlOf({ port }: AddressInfo): string {
  return `http://127.0.0.1:${port}`
}

/** One octet at a time. */
function drip(socket: Socket, text: string): void {
  let at = 0
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ' '), 50)
  socket.on('close', () => clearInterval(timer))
}

/** As much as the other end takes. */
function flood(socket: Socket, text: string): void {
  const pour = (): void => {
    while (!socket.destroyed && socket.write(text));
  }
  socket.on('drain', pour)
  pour()
}
