import { Argument, type Command, Option } from 'commander'
import type { RunningApp } from './application.ts'
import { addConfigOption, configFilesOf } from './config-option.ts'
import type { CliContext, Finish } from './context.ts'
import { reportFailure } from './report.ts'

const HELP = `
Listens on serve.proxy (default port 4455), serve.api (4456) and, where enabled, serve.grpc (4457). Prints one line per listener, and its log, on
standard error.

Signals:
  SIGTERM, SIGINT   stop gracefully; a second one ends at once
  SIGHUP            load configuration and rules again (changed files are seen by themselves)

Exit codes:
  0    stopped
  1    could not start: the session store cannot be reached, a port is taken
  2    wrong usage
  255  the configuration is refused; every problem is printed with file and line

Examples:
  oathkeeper serve -c oathkeeper.yaml
  oathkeeper serve -c oathkeeper.yaml -c production.yaml
  LOG_LEVEL=debug oathkeeper serve -c oathkeeper.yaml
`

/** Exit code of a process that a signal ended, as shells count. */
const SIGNAL_EXIT_BASE = 128
const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGTERM: 15 }

/** `oathkeeper serve`: runs the proxy and the decision API until it is told to stop. */
export function addServeCommand(program: Command, context: CliContext, finish: Finish): void {
  const command = program.command('serve').description('Run the proxy and the decision API.')
  command.addArgument(
    new Argument('[what]', 'of no effect: old examples of Oathkeeper say "serve proxy"').choices([
      'proxy',
      'api',
      'all',
    ]),
  )
  addConfigOption(command)
    // Oathkeeper's switches for telemetry, of which there is none here.
    .addOption(new Option('--sqa-opt-out').hideHelp())
    .addOption(new Option('--disable-telemetry').hideHelp())
    .addHelpText('after', HELP)
    .action(async () => {
      try {
        const { startApp } = await context.loadApplication()
        const app = await startApp({ configFiles: configFilesOf(command), env: context.env })
        finish(await runUntilStopped(app, context))
      } catch (cause) {
        finish(reportFailure(cause, context))
      }
    })
}

async function runUntilStopped(app: RunningApp, context: CliContext): Promise<number> {
  let stopping = false
  const releaseStop = context.onSignal(['SIGTERM', 'SIGINT'], (signal) => {
    if (stopping) {
      context.exit(SIGNAL_EXIT_BASE + (SIGNAL_NUMBERS[signal] ?? 0))
      return
    }
    stopping = true
    app.stop().catch((cause: unknown) => context.exit(reportFailure(cause, context)))
  })
  const releaseReload = context.onSignal(['SIGHUP'], () => app.reload())
  try {
    return await app.stopped
  } finally {
    releaseStop()
    releaseReload()
  }
}
