import { once } from 'node:events'
import { createServer, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A TCP proxy in front of a server, that spoils what goes through it. */
export interface FaultProxy {
  readonly port: number
  /** Each chunk of a reply comes so much later. */
  delayMs: number | (() => number)
  /** It accepts, takes what is sent, and lets no reply through. */
  blackHole: boolean
  /** Lets that many bytes of the next reply through, then cuts the connection. */
  cutAfterBytes: number | undefined
  /** Answers a request instead of the server; `undefined` lets it pass. */
  answer: ((request: Buffer) => Buffer | string | undefined) | undefined
  /** Changes a reply on its way. */
  rewrite: ((reply: Buffer) => Buffer) | undefined
  /** Open connections of clients. */
  readonly connections: number
  /** Connections that were ever accepted. */
  readonly accepted: number
  /** Ends every connection by RST. */
  resetAll(): void
  close(): Promise<void>
}

export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer((client) => {
    accepted++
    const target = connect(targetPort, '127.0.0.1')
    sockets.add(client)
    client.on('close', () => {
      sockets.delete(client)
      target.destroy()
    })
    target.on('close', () => client.destroy())
    for (const socket of [client, target]) socket.setNoDelay(true).on('error', () => undefined)
    client.on('data', (request: Buffer) => {
      const own = proxy.answer?.(request)
      if (own !== undefined) client.write(own)
      else if (!proxy.blackHole) target.write(request)
    })
    // Late, and never before what was sent earlier: bytes keep their order on a connection.
    let queue = Promise.resolve()
    target.on('data', (reply: Buffer) => {
      const dueAt = performance.now() + (typeof proxy.delayMs === 'number' ? proxy.delayMs : proxy.delayMs())
      queue = queue.then(() => forward(client, reply, dueAt))
    })
  })

  async function forward(client: Socket, reply: Buffer, dueAt: number): Promise<void> {
    const waitMs = dueAt - performance.now()
    if (waitMs > 1) await sleep(waitMs, undefined, { ref: false })
    if (proxy.blackHole || !client.writable) return
    if (proxy.cutAfterBytes === undefined) {
      client.write(proxy.rewrite?.(reply) ?? reply)
      return
    }
    client.end(reply.subarray(0, proxy.cutAfterBytes))
    proxy.cutAfterBytes = undefined
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const proxy: FaultProxy = {
    port: address.port,
    delayMs: 0,
    blackHole: false,
    cutAfterBytes: undefined,
    answer: undefined,
    rewrite: undefined,
    get connections() {
      return sockets.size
    },
    get accepted() {
      return accepted
    },
    resetAll() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}
