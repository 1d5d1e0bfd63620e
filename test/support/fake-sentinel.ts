import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** What looks like a Redis Sentinel and says what the test has it say. */
export interface FakeSentinel {
  readonly address: { readonly host: string; readonly port: number }
  /** `undefined`: it knows of no such master. */
  master: { readonly host: string; readonly port: number } | undefined
  epoch: number
  /** It accepts connections and answers nothing. */
  isHung: boolean
  /** Connections that are open. */
  readonly connections: number
  close(): Promise<void>
}

export async function startFakeSentinel(master: FakeSentinel['master'], epoch = 0): Promise<FakeSentinel> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    socket.on('data', (data) => {
      for (const command of commandsIn(data.toString())) if (!sentinel.isHung) socket.write(answerTo(command, sentinel))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const sentinel: FakeSentinel = {
    address: { host: '127.0.0.1', port: address.port },
    master,
    epoch,
    isHung: false,
    get connections() {
      return sockets.size
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return sentinel
}

/** Each command of ours comes whole. */
function commandsIn(received: string): string[] {
  return received
    .split(/^\*\d+\r\n/m)
    .filter((command) => command !== '')
    .map((command) =>
      command
        .replace(/\$\d+\r\n/g, '')
        .replaceAll('\r\n', ' ')
        .toUpperCase(),
    )
}

function answerTo(command: string, { master, epoch }: FakeSentinel): string {
  if (command.startsWith('PING')) return '+PONG\r\n'
  if (command.startsWith('HELLO')) return `%2\r\n${text('mode')}${text('sentinel')}${text('proto')}:3\r\n`
  if (command.startsWith('SENTINEL GET-MASTER')) {
    return master === undefined ? '_\r\n' : `*2\r\n${text(master.host)}${text(String(master.port))}`
  }
  return master === undefined
    ? '-ERR No such master with that name\r\n'
    : `%1\r\n${text('config-epoch')}${text(String(epoch))}`
}

function text(value: string): string {
  return `$${value.length}\r\n${value}\r\n`
}
