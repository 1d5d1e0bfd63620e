import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** How the content of an object is sent. */
export type SendMode = 'whole' | 'never' | 'drip' | 'flood' | 'cut'

export interface SeenRequest {
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly status: number
}

/** An object store on this machine, for tests. */
export interface FakeStore {
  /** `http://127.0.0.1:port` */
  readonly url: string
  /** By `bucket/key`. */
  readonly objects: Map<string, Buffer>
  /** Every request that was answered, or begun to be. */
  readonly seen: SeenRequest[]
  /** Whatever the credentials are: no. */
  refuses: boolean
  mode: SendMode
  /** Connections that are open now. */
  connections(): Promise<number>
  close(): Promise<void>
}

export interface FakeAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  /** Sent as `mode` says, and not at once. */
  readonly isContent?: boolean
}

const MIB = Buffer.alloc(1 << 20, 'x')

/** Starts a store that answers as `answer` says; it is closed with the test. */
export async function startFakeStore(
  t: TestContext,
  answer: (request: IncomingMessage, url: URL, store: FakeStore) => FakeAnswer,
): Promise<FakeStore> {
  const server = createServer((request, response) => {
    const made = answer(request, new URL(request.url ?? '/', store.url), store)
    store.seen.push({ url: request.url ?? '', headers: request.headers, status: made.status })
    send(made, response, store.mode)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): Promise<void> => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  }
  t.after(close)
  const store: FakeStore = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects: new Map(),
    seen: [],
    refuses: false,
    mode: 'whole',
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    close,
  }
  return store
}

function send(
  { status, headers = {}, body = '', isContent }: FakeAnswer,
  response: ServerResponse,
  mode: SendMode,
): void {
  if (isContent !== true || mode === 'whole') {
    response.writeHead(status, { ...headers, ...(status !== 304 && { 'content-length': Buffer.byteLength(body) }) })
    response.end(body)
    return
  }
  if (mode === 'never') return
  if (mode === 'flood') {
    response.writeHead(status, headers)
    flood(response)
    return
  }
  response.writeHead(status, { ...headers, 'content-length': 1000 }).write('[')
  if (mode === 'cut') setTimeout(() => response.destroy(), 20)
  else drip(response)
}

function flood(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(MIB)) continue
  }
  response.on('drain', more)
  more()
}

function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(timer))
}

/** Sets variables of the process for one test. Nothing: the variable is not set. */
export function setEnv(t: TestContext, variables: Readonly<Record<string, string | undefined>>): void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  apply(Object.entries(variables))
  t.after(() => apply(before))
}

function apply(variables: readonly (readonly [name: string, value: string | undefined])[]): void {
  for (const [name, value] of variables) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}
