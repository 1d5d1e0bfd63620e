import { openCore } from './app/core.ts'
import { type Addresses, openFronts, STOP_GRACE_MS } from './app/fronts.ts'
import { load, loadOptions } from './app/load.ts'
import type { Config } from './config/config.ts'
import { watchConfig } from './config/watch.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { formatProblem } from './kernel/problem.ts'
import { CleanupStack } from './lib/cleanup-stack.ts'
import { packageVersion } from './lib/package-version.ts'
import { createLog, type Log, type LogSink } from './observability/log.ts'
import { startProfile } from './observability/profile.ts'
import { watchStandstill } from './observability/standstill.ts'

export { validateApp } from './app/validate.ts'

export interface AppOptions {
  /** In the order of the command line. */
  readonly configFiles: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly clock?: Clock
  /** Default: standard error. */
  readonly logSink?: LogSink
}

export interface RunningApp {
  readonly addresses: Addresses
  /** Loads configuration and rules again, whether or not a file changed. */
  reload(): void
  /** Stops listening, lets requests finish, closes the store. */
  stop(): Promise<void>
  /** The exit code, once everything is closed. */
  readonly stopped: Promise<number>
}

/**
 * Joins the parts and starts them.
 * @throws {ProblemsError} the configuration is refused.
 * @throws {StartError} it could not start although the configuration is right.
 */
export async function startApp(options: AppOptions): Promise<RunningApp> {
  const { configFiles, env, clock = systemClock } = options
  const loaded = load(configFiles, env)
  const { config, warnings } = loaded
  const log = openLog(config, options)
  for (const warning of warnings) log.warn({}, formatProblem(warning))

  await using undo = new CleanupStack()
  undo.defer(() => log.flushSync())
  undo.defer(watchStandstill(log))
  const profile = config.profiling === undefined ? undefined : await startProfile(config.profiling, log)
  undo.defer(() => profile?.stop())
  const core = await openCore(loaded, env, { clock, logger: log }, undo)
  const addresses = await openFronts(core, config, { clock, log }, undo)
  const watch = watchConfig({
    load: loadOptions(configFiles, env),
    loaded,
    onChange: (changed) => core.reloader.take(changed),
    onProblems: (problems) => core.reloader.refuse(problems),
    clock,
  })

  const running = undo.move()
  const { promise: stopped, resolve: resolveStopped } = Promise.withResolvers<number>()
  let stopping: Promise<void> | undefined
  return {
    addresses,
    reload() {
      watch.reload()
      core.rules.lookAgain()
    },
    stopped,
    stop: () => (stopping ??= stop()),
  }

  async function stop(): Promise<void> {
    log.info({}, 'stopping: no new connections, requests under way may finish')
    // The clock's timers keep no process alive: without this one it would end amid the stop, once the last socket closed.
    const alive = setInterval(() => undefined, STOP_GRACE_MS)
    try {
      watch.close()
      await running[Symbol.asyncDispose]()
    } finally {
      clearInterval(alive)
    }
    resolveStopped(0)
  }
}

function openLog({ log }: Config, { clock, logSink }: AppOptions): Log {
  return createLog({
    level: log.level,
    format: log.format,
    source: { serviceName: 'Oathkeeper', serviceVersion: packageVersion() },
    ...(clock !== undefined && { clock }),
    ...(logSink !== undefined && { sink: logSink }),
  })
}
