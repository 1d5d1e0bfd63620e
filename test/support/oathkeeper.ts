import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { findFreePort } from './ports.ts'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
const START_TIMEOUT_MS = 30_000

export interface OathkeeperPorts {
  readonly proxy: number
  readonly api: number
  readonly metrics: number
  /** For `serve.grpc`, where it is enabled. */
  readonly grpc: number
}

export interface OathkeeperSetup {
  /** Chosen by `choosePorts`, where the configuration has to know them first. */
  readonly ports?: OathkeeperPorts
  /** Without `serve.*.port` and `access_rules.repositories`, which are filled in. */
  readonly config: Readonly<Record<string, unknown>>
  readonly rules: readonly Readonly<Record<string, unknown>>[]
  readonly env?: Readonly<Record<string, string>>
  /** Puts more files into the folder of the configuration, before the start. */
  readonly prepare?: (folder: string) => void
  /** Resolves at once instead of when `/health/ready` answers 200. */
  readonly waitForReady?: boolean
  /** Its log goes nowhere: for measurements. */
  readonly discardLog?: boolean
  /** Instead of Node and `src/main.ts`. */
  readonly command?: readonly [program: string, ...args: string[]]
}

/** Oathkeeper as an operator runs it: `oathkeeper serve -c FILE`, a process of its own. */
export interface OathkeeperProcess {
  readonly ports: OathkeeperPorts
  readonly proxyUrl: string
  readonly apiUrl: string
  readonly pid: number
  readonly configFile: string
  readonly rulesFile: string
  /** What it wrote to standard error and standard output so far. */
  log(): string
  /** Closes our end of its standard output and standard error, as a log collector does that dies. */
  closeLog(): void
  /** Sends SIGTERM and resolves with the exit code. */
  stop(): Promise<number | null>
  kill(signal: NodeJS.Signals): void
  readonly exited: Promise<number | null>
  [Symbol.asyncDispose](): Promise<void>
}

export async function choosePorts(): Promise<OathkeeperPorts> {
  return {
    proxy: await findFreePort(),
    api: await findFreePort(),
    metrics: await findFreePort(),
    grpc: await findFreePort(),
  }
}

export async function startOathkeeper(setup: OathkeeperSetup): Promise<OathkeeperProcess> {
  const ports = setup.ports ?? (await choosePorts())
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-test-'))
  const configFile = join(folder, 'oathkeeper.json')
  const rulesFile = join(folder, 'rules.json')
  writeFileSync(rulesFile, JSON.stringify(setup.rules, null, 2))
  writeFileSync(configFile, JSON.stringify(completeConfig(setup.config, ports), null, 2))

  setup.prepare?.(folder)

  const [program, ...args] = setup.command ?? [process.execPath, MAIN]
  const child = spawn(program, [...args, 'serve', '-c', configFile], {
    env: { ...process.env, ...setup.env },
    stdio: setup.discardLog === true ? 'ignore' : ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (log += String(chunk)))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  let isRunning = true
  void exited.then(() => (isRunning = false))

  const stop = async (): Promise<number | null> => {
    if (isRunning) child.kill('SIGTERM')
    const code = await exited
    rmSync(folder, { recursive: true, force: true })
    return code
  }
  const running: OathkeeperProcess = {
    ports,
    proxyUrl: `http://127.0.0.1:${ports.proxy}`,
    apiUrl: `http://127.0.0.1:${ports.api}`,
    pid: child.pid ?? 0,
    configFile,
    rulesFile,
    log: () => log,
    closeLog: () => {
      child.stdout?.destroy()
      child.stderr?.destroy()
    },
    stop,
    kill: (signal) => void child.kill(signal),
    exited,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
  if (setup.waitForReady !== false) await waitForReady(running, () => isRunning)
  return running
}

async function waitForReady(running: OathkeeperProcess, isRunning: () => boolean): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (isRunning() && Date.now() < deadline) {
    try {
      const { ok } = await fetch(`${running.apiUrl}/health/ready`)
      if (ok) return
    } catch {
      // Not listening yet.
    }
    await wait(25)
  }
  const log = running.log()
  running.kill('SIGKILL')
  throw new Error(`Oathkeeper was not ready:\n${log}`)
}

function completeConfig(config: Readonly<Record<string, unknown>>, ports: OathkeeperPorts): Record<string, unknown> {
  const serve = (config['serve'] ?? {}) as Record<string, Record<string, unknown> | undefined>
  const accessRules = (config['access_rules'] ?? {}) as Record<string, unknown>
  return {
    ...config,
    serve: {
      ...serve,
      proxy: { host: '127.0.0.1', ...serve['proxy'], port: ports.proxy },
      api: { host: '127.0.0.1', ...serve['api'], port: ports.api },
      prometheus: { host: '127.0.0.1', ...serve['prometheus'], port: ports.metrics },
      ...(serve['grpc'] !== undefined && { grpc: { host: '127.0.0.1', ...serve['grpc'], port: ports.grpc } }),
    },
    access_rules: { repositories: ['file://rules.json'], ...accessRules },
  }
}
