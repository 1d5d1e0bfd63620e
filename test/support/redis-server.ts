import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { findFreePort } from './ports.ts'

export interface RedisServerOptions {
  readonly password?: string
  readonly databases?: number
  /** Keeps the data over a restart. */
  readonly persist?: boolean
  /** More of the command line, such as `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[]
}

/** A real redis-server of the test's own, on a port that was free. */
export interface RedisServer {
  readonly port: number
  /** `host:port`. */
  readonly addr: string
  /** Runs a command as the operator. Strings come as strings. */
  command(...args: string[]): Promise<unknown>
  /** Kills it: connections are reset, later ones refused. */
  stop(): Promise<void>
  /** Starts it again on the same port; with its data when it persists. */
  start(): Promise<void>
  /** SIGSTOP: it accepts connections and says nothing. */
  pause(): void
  resume(): void
  /** Kills it and removes its folder. */
  close(): Promise<void>
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'oathkeeper-redis-'))
  const port = await findFreePort()
  let child: ChildProcess | undefined

  const kill = () => void child?.kill('SIGKILL')
  process.on('exit', kill)

  async function start(): Promise<void> {
    child = spawn('redis-server', argumentsFor(options, folder, port), { stdio: 'ignore' })
    child.on('error', () => undefined)
    // A test that ends early must neither wait for it nor leave it behind.
    child.unref()
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await isUp(port)) return
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
      await sleep(20)
    }
    throw new Error('redis-server does not answer')
  }

  async function stop(): Promise<void> {
    if (child === undefined) return
    const running = child
    child = undefined
    if (running.exitCode !== null) return
    const exited = once(running, 'exit')
    running.ref()
    running.kill('SIGKILL')
    await exited
  }

  await start()
  return {
    port,
    addr: `127.0.0.1:${port}`,
    start,
    stop,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async command(...args) {
      const client = createClient({
        socket: { host: '127.0.0.1', port, reconnectStrategy: false },
        ...(options.password === undefined ? {} : { password: options.password }),
      })
      client.on('error', () => undefined)
      await client.connect()
      try {
        return await client.sendCommand(args)
      } finally {
        client.destroy()
      }
    },
    async close() {
      await stop()
      process.off('exit', kill)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function argumentsFor(options: RedisServerOptions, folder: string, port: number): string[] {
  const { password, databases = 16, persist = false, args = [] } = options
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
  const data = ['--databases', String(databases), '--save', '', '--appendonly', persist ? 'yes' : 'no']
  const access = password === undefined ? [] : ['--requirepass', password]
  return [...place, ...data, '--appendfsync', 'always', ...access, ...args]
}

/** Answers even where it wants a password. */
async function isUp(port: number): Promise<boolean> {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false } })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch (cause) {
    return cause instanceof Error && cause.message.startsWith('NOAUTH')
  } finally {
    client.destroy()
  }
}
