import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
const START_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 10_000
const KEPT_LOG_CHARACTERS = 8_000

export interface OathkeeperOptions {
  readonly configFiles: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly healthUrl: string
  readonly showLogs: boolean
  /** Called when it ends although nobody asked for it. */
  readonly onCrash: (log: string) => void
}

/** Oathkeeper as a process of its own, run from source, that can be stopped and started again. */
export class Oathkeeper {
  readonly #options: OathkeeperOptions
  #child: ChildProcess | undefined
  #log = ''

  constructor(options: OathkeeperOptions) {
    this.#options = options
  }

  /** Resolves when it is ready to decide. */
  async start(): Promise<void> {
    const { configFiles, env, healthUrl, showLogs } = this.#options
    const child = spawn(process.execPath, [MAIN, 'serve', ...configFiles.flatMap((file) => ['-c', file])], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C of the terminal is the demo's to hear; it then stops this in order.
      detached: true,
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-KEPT_LOG_CHARACTERS)
        if (showLogs) process.stderr.write(chunk)
      })
    child.on('exit', () => {
      if (this.#child !== child) return
      this.#child = undefined
      this.#options.onCrash(this.#log)
    })

    const deadline = Date.now() + START_TIMEOUT_MS
    while (Date.now() < deadline && this.#child === child) {
      if (await isReady(healthUrl)) return
      await wait(100)
    }
    if (this.#child === child) throw new Error(`Oathkeeper was not ready in time:\n${this.#log}`)
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(late)
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}
