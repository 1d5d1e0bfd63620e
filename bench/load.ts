// The load generator, a process of its own: keep-alive connections that each send the next request when the answer to
// the last one is complete. Talks to run.ts by messages.
import { connect, type Socket } from 'node:net'

/** One measured stretch. */
export interface LoadOrder {
  readonly port: number
  /** The request as it goes on the wire. */
  readonly request: string
  readonly connections: number
  readonly durationMs: number
}

export interface LoadResult {
  readonly requests: number
  readonly elapsedMs: number
  /** 50th and 99th percentile of the time from the request to its complete answer. */
  readonly p50Ms: number
  readonly p99Ms: number
}

const HEAD_END = Buffer.from('\r\n\r\n')

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})

async function run(order: LoadOrder): Promise<LoadResult> {
  const request = Buffer.from(order.request, 'latin1')
  const answerBytes = await measureAnswer(order.port, request)
  const latencies = new Float64Array(4_000_000)
  let requests = 0
  const begun = performance.now()
  const until = begun + order.durationMs
  await Promise.all(
    Array.from({ length: order.connections }, () =>
      drive(order.port, request, answerBytes, until, (ms) => {
        if (requests < latencies.length) latencies[requests] = ms
        requests++
      }),
    ),
  )
  const elapsedMs = performance.now() - begun
  const sorted = latencies.subarray(0, Math.min(requests, latencies.length)).sort()
  return { requests, elapsedMs, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
}

/** The answer's size, from one request that is read with care; the load then only counts bytes. */
function measureAnswer(port: number, request: Buffer): Promise<number> {
  return new Promise((done, reject) => {
    const socket = connect(port, '127.0.0.1')
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const headEnd = bytes.indexOf(HEAD_END)
      if (headEnd === -1) return
      const head = bytes.toString('latin1', 0, headEnd)
      const length = /^content-length: *(\d+)$/im.exec(head)?.[1]
      if (!head.startsWith('HTTP/1.1 200 ')) reject(new Error(`expected 200, got: ${head.split('\r\n')[0] ?? ''}`))
      // Chunked answers end with the empty chunk; the servers under test send small ones in one piece.
      const isWhole =
        length === undefined
          ? bytes.toString('latin1').endsWith('\r\n0\r\n\r\n')
          : bytes.length === headEnd + 4 + Number(length)
      if (!isWhole) return
      socket.destroy()
      done(bytes.length)
    })
    socket.on('error', reject)
    socket.write(request)
  })
}

function drive(
  port: number,
  request: Buffer,
  answerBytes: number,
  until: number,
  count: (ms: number) => void,
): Promise<void> {
  return new Promise((done, reject) => {
    const socket: Socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let received = 0
    let sentAt = performance.now()
    socket.on('data', (chunk: Buffer) => {
      if (received === 0 && chunk.toString('latin1', 9, 12) !== '200') {
        reject(new Error(`expected 200, got: ${chunk.toString('latin1', 0, 30)}`))
        socket.destroy()
        return
      }
      received += chunk.length
      if (received < answerBytes) return
      if (received > answerBytes) {
        reject(new Error(`answers differ in size: ${received} instead of ${answerBytes} bytes`))
        socket.destroy()
        return
      }
      const now = performance.now()
      count(now - sentAt)
      received = 0
      if (now >= until) {
        socket.destroy()
        done()
        return
      }
      sentAt = now
      socket.write(request)
    })
    socket.on('error', reject)
    socket.on('end', () => reject(new Error('the server closed a connection')))
    socket.write(request)
  })
}

function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
}
