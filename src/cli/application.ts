import type { Problem } from '../kernel/problem.ts'

export interface AppOptions {
  /** In the order of the command line. */
  readonly configFiles: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

export interface RunningApp {
  /** Stops listening, lets requests finish, closes the store. */
  stop(): Promise<void>
  /** Loads configuration and rules again, whether or not a file changed. */
  reload(): void
  /** The exit code, once everything is closed. */
  readonly stopped: Promise<number>
}

/** What the command line needs of the product. */
export interface Application {
  /**
   * @throws {ProblemsError} the configuration is refused.
   * @throws {StartError} it could not start.
   */
  startApp(options: AppOptions): Promise<RunningApp>
  /** Everything that is wrong with configuration and rules, and what is probably not meant. */
  validateApp(
    options: AppOptions,
  ): Promise<{ readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] }>
}
