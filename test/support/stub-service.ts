import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createOutbound, type Outbound } from '../../src/lib/outbound.ts'

/** A request that a stub received. */
export interface StubCall {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

export type StubAnswer = (call: StubCall, response: ServerResponse) => void

export interface StubService {
  readonly origin: string
  readonly calls: readonly StubCall[]
  /** Takes the place of the answer so far. */
  answer: StubAnswer
}

/** Starts a service that a handler asks: a real server that keeps what it received. */
export async function startStub(t: TestContext, answer: StubAnswer): Promise<StubService> {
  const calls: StubCall[] = []
  const stub = { origin: '', calls, answer }
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const call = { method, url, headers, body: Buffer.concat(chunks).toString() }
      calls.push(call)
      stub.answer(call, response)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  stub.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return stub
}

/** Answers with a JSON document. */
export function sendJson(document: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): StubAnswer {
  return (_call, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(document))
  }
}

/** The faults that every call to another service has to survive; `canary` is where a redirect leads. */
export function faultyAnswers(canary: string): ReadonlyMap<string, StubAnswer> {
  return new Map<string, StubAnswer>([
    ['no answer at all', () => {}],
    ['a head and then nothing', (_call, response) => void response.writeHead(200).write('{"active":true,"sub":"x"')],
    ['a connection that breaks', (_call, response) => void response.destroy()],
    ['a body that breaks', (_call, response) => void response.writeHead(200, { 'content-length': '999' }).end('{"a"')],
    ['an endless body', endless],
    ['a body that is too large', (_call, response) => void response.end(`{"sub":"x","a":"${'x'.repeat(200_000)}"}`)],
    [
      'an encoding that was not asked for',
      (_call, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    ],
    [
      'deep nesting',
      (_call, response) =>
        void response.end(`{"active":true,"sub":"x","ext":${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
    ],
    ...[301, 302, 303, 307, 308].map((status): [string, StubAnswer] => [
      `a redirect (${status})`,
      (_call, response) => void response.writeHead(status, { location: canary }).end(),
    ]),
    ...[204, 400, 401, 403, 500, 502, 503].map((status): [string, StubAnswer] => [
      `status ${status}`,
      (_call, response) => void response.writeHead(status).end(),
    ]),
  ])
}

function endless(_call: StubCall, response: ServerResponse): void {
  response.writeHead(200)
  const timer = setInterval(() => response.write('x'.repeat(20_000)), 1)
  response.on('close', () => clearInterval(timer))
}

/** Calls with a short deadline and a small size; closed with the test. */
export function testOutbound(t: TestContext, timeoutMs = 5000): Outbound {
  const outbound = createOutbound({ timeoutMs, maxBytes: 150_000, connections: 64 })
  t.after(() => outbound.close())
  return outbound
}
