import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createOutbound, type Outbound } from '../../src/lib/outbound.ts'

/** One question that a service was asked. */
export interface Call {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Answer = (response: ServerResponse, call: Call) => void

/** A service that handlers ask, and the caller that asks it. Both end with the test. */
export interface Service {
  readonly url: string
  readonly calls: Call[]
  readonly outbound: Outbound
  /** What it answers from now on. */
  answer: Answer
}

/** Starts a service on a free port, with a small and impatient caller. */
export async function startService(t: TestContext, answer: Answer = reply(200)): Promise<Service> {
  const calls: Call[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const call = { method, url, headers, body: Buffer.concat(chunks).toString() }
      calls.push(call)
      service.answer(response, call)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const outbound = createOutbound({ timeoutMs: 1000, maxBytes: 64 * 1024, connections: 4 })
  t.after(async () => {
    await outbound.close()
    server.closeAllConnections()
    server.close()
  })
  const service: Service = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    outbound,
    answer,
  }
  return service
}

/** Answers with a status, headers and a body; an object is sent as JSON. */
export function reply(status: number, headers: Record<string, string> = {}, body: unknown = ''): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return (response) => void response.writeHead(status, headers).end(text)
}
