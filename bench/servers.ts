// The measures to compare with, and the upstream; each runs as a process of its own:
//   node bench/servers.ts bare | upstream | pass-through [UPSTREAM_PORT]
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

const BODY = JSON.stringify({ items: Array.from({ length: 8 }, (_, i) => ({ id: i, name: `item ${i}` })) })

/** The least that node:http can do. */
function bareServer(): Server {
  return createServer((_request, response) => {
    response.writeHead(200)
    response.end()
  })
}

/** A small JSON document. */
function upstreamServer(): Server {
  return createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(BODY) })
    response.end(BODY)
  })
}

/** The least that a proxy on undici's dispatch can do: no rules, no checks, no header treatment. */
function passThroughServer(upstreamPort: number): Server {
  const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 128 })
  return createServer((request, response) => {
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
    pool.dispatch(
      {
        path: request.url ?? '/',
        method: request.method as 'GET',
        headers: request.headers,
        body: hasBody ? request : null,
      },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          response.writeHead(status, headers)
        },
        onResponseData(_controller, chunk) {
          response.write(chunk)
        },
        onResponseEnd() {
          response.end()
        },
        onResponseError() {
          response.destroy()
        },
      },
    )
  })
}

const [kind, port] = process.argv.slice(2)
const servers: Record<string, () => Server> = {
  bare: bareServer,
  upstream: upstreamServer,
  'pass-through': () => passThroughServer(Number(port)),
}
const create = servers[kind ?? '']
if (create === undefined) throw new Error(`one of ${Object.keys(servers).join(', ')}`)
const server = create()
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
