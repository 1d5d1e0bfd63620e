import type { Application } from './application.ts'
import type { CliContext } from './context.ts'

/** The command line's view of this process. */
export function createProcessContext(loadApplication: () => Promise<Application>): CliContext {
  for (const stream of [process.stdout, process.stderr]) {
    // A reader that has gone (`oathkeeper --help | head -1`) is no error of ours.
    stream.on('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EPIPE') throw cause
    })
  }
  return {
    env: process.env,
    loadApplication,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    onSignal(signals, run) {
      for (const signal of signals) process.on(signal, run)
      return () => {
        for (const signal of signals) process.off(signal, run)
      }
    },
    exit: (code) => process.exit(code),
  }
}
