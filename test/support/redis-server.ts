import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { findFreePort } from './ports.ts'

export interface RedisServerOptions {
  readonly password?: string
  readonly databases?: number
  /** Keeps the data over a restart. */
  readonly persist?: boolean
  /** Speaks TLS only, with the certificate of the fixtures; `required`: and with clients that have one of its authority. */
  readonly tls?: 'server' | 'required'
  /** Default: one that is free. */
  readonly port?: number
  /** Path of the executable. Default: `redis-server` of PATH. */
  readonly program?: string
  /** Makes it a Sentinel: lines of its file. */
  readonly sentinel?: readonly string[]
  /** More of the command line, such as `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[]
}

const FOLDER = resolve(import.meta.dirname, '../fixtures/tls')
/** For 127.0.0.1 and localhost; its own authority, and good for clients too. */
export const CERT_FILE = join(FOLDER, 'cert.pem')
export const KEY_FILE = join(FOLDER, 'key.pem')

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

const LEFT_BEHIND = new Set<() => void>()
process.on('exit', () => {
  for (const kill of LEFT_BEHIND) kill()
})

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'oathkeeper-redis-'))
  const port = options.port ?? (await findFreePort())
  const own = await busOf(options)
  const sentinelFile = join(folder, 'sentinel.conf')
  // It writes into its file what it learns, and reads it again when it starts.
  if (options.sentinel !== undefined) await writeFile(sentinelFile, sentinelConfig(options, folder, port))
  let child: ChildProcess | undefined

  const kill = () => void child?.kill('SIGKILL')
  LEFT_BEHIND.add(kill)

  async function start(): Promise<void> {
    const args =
      options.sentinel === undefined ? [...argumentsFor(options, folder, port), ...own] : [sentinelFile, '--sentinel']
    child = spawn(options.program ?? 'redis-server', args, { stdio: 'ignore' })
    child.on('error', () => undefined)
    // A test that ends early must neither wait for it nor leave it behind.
    child.unref()
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await isUp(options, port)) return
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
        socket: socketFor(options, port),
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
      LEFT_BEHIND.delete(kill)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function argumentsFor(options: RedisServerOptions, folder: string, port: number): string[] {
  const { password, databases = 16, persist = false, tls, args = [] } = options
  const ports = [
    '--port',
    tls === undefined ? String(port) : '0',
    ...(tls === undefined ? [] : tlsArguments(tls, port)),
  ]
  const place = [...ports, '--bind', '127.0.0.1', '--dir', folder]
  const data = ['--databases', String(databases), '--save', '', '--appendonly', persist ? 'yes' : 'no']
  const access = password === undefined ? [] : ['--requirepass', password]
  return [...place, ...data, '--appendfsync', 'always', ...access, ...args]
}

/** The port on which the nodes of a cluster talk to each other; by default one that may be taken. */
async function busOf({ args = [] }: RedisServerOptions): Promise<string[]> {
  const isNeeded = args.includes('--cluster-enabled') && !args.includes('--cluster-port')
  return isNeeded ? ['--cluster-port', String(await findFreePort())] : []
}

function sentinelConfig({ sentinel = [], password, tls }: RedisServerOptions, folder: string, port: number): string {
  const access = password === undefined ? [] : [`requirepass "${password}"`, `sentinel sentinel-pass "${password}"`]
  const ports =
    tls === undefined ? [`port ${port}`] : ['port 0', ...asLines(tlsArguments(tls, port)), 'tls-replication yes']
  return [...ports, 'bind 127.0.0.1', `dir ${folder}`, ...access, ...sentinel, ''].join('\n')
}

/** Of the command line, as the file has it. */
function asLines(args: readonly string[]): string[] {
  return args.flatMap((arg, i) => (i % 2 === 0 ? [`${arg.replace('--', '')} ${args[i + 1]}`] : []))
}

function tlsArguments(tls: 'server' | 'required', port: number): string[] {
  const files = ['--tls-cert-file', CERT_FILE, '--tls-key-file', KEY_FILE, '--tls-ca-cert-file', CERT_FILE]
  return ['--tls-port', String(port), ...files, '--tls-auth-clients', tls === 'required' ? 'yes' : 'no']
}

function socketFor({ tls }: RedisServerOptions, port: number) {
  const socket = { host: '127.0.0.1', port, reconnectStrategy: false } as const
  if (tls === undefined) return socket
  const [cert, key] = [readFileSync(CERT_FILE), readFileSync(KEY_FILE)]
  return { ...socket, tls: true, ca: cert, cert, key } as const
}

/** Answers even where it wants a password. */
async function isUp(options: RedisServerOptions, port: number): Promise<boolean> {
  const client = createClient({ socket: socketFor(options, port) })
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
