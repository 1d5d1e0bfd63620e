import { spawn } from 'node:child_process'

export interface RunCommandOptions {
  /** From its start to the end of its output; then it is killed with everything that it has started. */
  readonly timeoutMs: number
  /** More than that is not read, and it is killed. */
  readonly maxBytes: number
  /** All that it sees of the environment. */
  readonly env: Readonly<NodeJS.ProcessEnv>
  /** Kills it. */
  readonly signal?: AbortSignal
}

/** What a command did instead of printing what was asked for. Never holds any of its output. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/**
 * Runs a program without a shell and gives what it prints on standard output; what it prints on standard error goes nowhere.
 * @throws {CommandError} when it cannot be run, fails, or does not end in time.
 */
export async function runCommand(
  [program, ...args]: readonly [string, ...string[]],
  options: RunCommandOptions,
): Promise<string> {
  // In a group of its own, so that what it starts can be killed with it.
  const child = spawn(program, args, { env: options.env, stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const chunks: Buffer[] = []
  let bytes = 0
  const kill = (why: string): void => {
    reject(new CommandError(why))
    child.stdout.destroy()
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
  const timer = setTimeout(() => kill(`did not end within ${options.timeoutMs} ms`), options.timeoutMs)
  const abort = (): void => kill('was stopped')
  options.signal?.addEventListener('abort', abort, { once: true })
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > options.maxBytes) kill(`prints more than ${options.maxBytes} bytes`)
    else chunks.push(chunk)
  })
  child.on('error', (cause) => {
    const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
    reject(new CommandError(`could not be run (${code})`))
  })
  child.on('close', (status, killedBy) => {
    if (status === 0) resolve(Buffer.concat(chunks).toString())
    else reject(new CommandError(`ended with ${killedBy ?? `exit code ${status}`}`))
  })
  try {
    if (options.signal?.aborted === true) abort()
    return await promise
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', abort)
  }
}
