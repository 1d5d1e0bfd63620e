import type { Command } from 'commander'
import type { Application } from './application.ts'

/** What a command may use of the world. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv
  /** Loaded only by the commands that need it, so that the others answer at once. */
  readonly loadApplication: () => Promise<Application>
  /** Results. */
  readonly out: (text: string) => void
  /** Everything else. */
  readonly err: (text: string) => void
  /** Calls `run` for each of these signals; the function that comes back ends that. */
  readonly onSignal: (signals: readonly NodeJS.Signals[], run: (signal: NodeJS.Signals) => void) => () => void
  /** Ends the process at once. */
  readonly exit: (code: number) => void
}

/** Says with which exit code the command ends. */
export type Finish = (code: number) => void

/** Adds a command, or a group of them, to its parent. */
export type AddCommand = (parent: Command, context: CliContext, finish: Finish) => void
