import { connect, type Socket } from 'node:net'

/** A response as it came over the wire. */
export interface RawResponse {
  readonly status: number
  /** The head, without the empty line. */
  readonly head: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  header(name: string): string | undefined
}

/** A client that sends exactly the octets it is given and shows exactly those it gets. */
export interface RawClient {
  readonly socket: Socket
  write(data: string | Uint8Array): void
  /** The next final response on the connection; rejects when the connection ends before it is complete. */
  response(options?: { readonly head?: boolean }): Promise<RawResponse>
  /** The octets of the next interim or final head, interim ones included. */
  nextHead(): Promise<string>
  /** Resolves when the server ends or breaks the connection. */
  readonly closed: Promise<void>
  readonly isClosed: boolean
  /** What has come and was not taken by `response`. */
  readonly pending: Buffer
  /** Waits until `pending` holds the text. */
  until(text: string): Promise<void>
  destroy(): void
}

const PATIENCE_MS = 8_000

function doNothing(): void {}

export function openRaw(port: number, options: { readonly allowHalfOpen?: boolean } = {}): RawClient {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...options })
  // Joined when somebody looks, not with every chunk: that would take the square of a long answer's time.
  let unread: Buffer[] = []
  let unreadLength = 0
  let isClosed = false
  let wake = doNothing
  const closed = new Promise<void>((resolve) => {
    const end = (): void => {
      isClosed = true
      wake()
      resolve()
    }
    socket.on('end', end)
    socket.on('close', end)
  })
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    unread.push(chunk)
    unreadLength += chunk.length
    wake()
  })

  function pending(): Buffer {
    const [first] = unread
    if (first !== undefined && unread.length === 1) return first
    const joined = Buffer.concat(unread, unreadLength)
    unread = [joined]
    return joined
  }

  function take(count: number): Buffer {
    const all = pending()
    unread = [all.subarray(count)]
    unreadLength -= count
    return all.subarray(0, count)
  }

  async function more(what: string): Promise<void> {
    if (isClosed)
      throw new Error(
        `the connection ended while waiting for ${what}; got ${JSON.stringify(String(pending()).slice(0, 1_000))}`,
      )
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      wake = resolve
      timer = setTimeout(
        () =>
          reject(
            new Error(
              `nothing came while waiting for ${what}; got ${JSON.stringify(String(pending()).slice(0, 1_000))}`,
            ),
          ),
        PATIENCE_MS,
      )
    })
    clearTimeout(timer)
  }

  async function takeUntil(mark: string): Promise<string> {
    for (;;) {
      const at = pending().indexOf(mark)
      if (at !== -1) {
        const taken = take(at).toString('latin1')
        take(mark.length)
        return taken
      }
      await more(JSON.stringify(mark))
    }
  }

  async function takeBytes(count: number): Promise<Buffer> {
    while (pending().length < count) await more(`${count} octets`)
    return take(count)
  }

  async function takeChunked(): Promise<Buffer> {
    const chunks: Buffer[] = []
    for (;;) {
      const size = Number.parseInt(await takeUntil('\r\n'), 16)
      if (size === 0) {
        while ((await takeUntil('\r\n')) !== '');
        return Buffer.concat(chunks)
      }
      chunks.push(await takeBytes(size))
      await takeUntil('\r\n')
    }
  }

  async function takeRest(): Promise<Buffer> {
    await closed
    return take(unreadLength)
  }

  async function takeBody(status: number, headers: RawResponse['headers'], noBody: boolean): Promise<Buffer> {
    const value = (name: string): string | undefined => headers.find(([given]) => given.toLowerCase() === name)?.[1]
    if (noBody || status === 204 || status === 304) return Buffer.alloc(0)
    if (value('transfer-encoding') === 'chunked') return takeChunked()
    const length = value('content-length')
    return length === undefined ? takeRest() : takeBytes(Number(length))
  }

  return {
    socket,
    write: (data) => socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data),
    async response(responseOptions = {}) {
      for (;;) {
        const head = await takeUntil('\r\n\r\n')
        const status = Number(head.slice(9, 12))
        if (status < 200 && status !== 101) continue
        const headers = head
          .split('\r\n')
          .slice(1)
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const)
        const body = status === 101 ? Buffer.alloc(0) : await takeBody(status, headers, responseOptions.head === true)
        const header = (name: string): string | undefined =>
          headers.find(([given]) => given.toLowerCase() === name)?.[1]
        return { status, head, headers, body, header }
      }
    },
    nextHead: () => takeUntil('\r\n\r\n'),
    closed,
    get isClosed() {
      return isClosed
    },
    get pending() {
      return pending()
    },
    async until(text) {
      while (!pending().includes(text)) await more(JSON.stringify(text))
    },
    destroy: () => socket.destroy(),
  }
}

/** Sends one request on a connection of its own and gives the answer. */
export async function rawRequest(
  port: number,
  raw: string,
  options: { readonly head?: boolean } = {},
): Promise<RawResponse> {
  const client = openRaw(port)
  try {
    client.write(raw)
    return await client.response(options)
  } finally {
    client.destroy()
  }
}

/** A request with `Host: app.example` and further header lines. */
export function get(path: string, ...lines: readonly string[]): string {
  return `GET ${path} HTTP/1.1\r\nHost: app.example\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
}

export function post(path: string, body: string, ...lines: readonly string[]): string {
  const length = `Content-Length: ${Buffer.byteLength(body, 'latin1')}`
  return `POST ${path} HTTP/1.1\r\nHost: app.example\r\n${[length, ...lines].map((line) => `${line}\r\n`).join('')}\r\n${body}`
}
