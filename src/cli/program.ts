import { Command, CommanderError } from 'commander'
import { addConfigOption } from './config-option.ts'
import { complete, COMPLETE } from './complete.ts'
import { addCompletionCommand } from './completion.ts'
import type { AddCommand, CliContext } from './context.ts'
import { addCredentialsCommand } from './credentials.ts'
import { EXIT } from './exit-codes.ts'
import { addHealthCommand } from './health.ts'
import { addRulesCommand } from './rules.ts'
import { addServeCommand } from './serve.ts'
import { addValidateCommand } from './validate.ts'
import { addVersionCommand } from './version.ts'

const HELP = `
Start here:
  oathkeeper validate -c oathkeeper.yaml    is the configuration right?
  oathkeeper serve -c oathkeeper.yaml       run it

Any key of the configuration can be set by an environment variable: its path in capitals, with underscores, such as
SERVE_PROXY_PORT=8080 or OATHKEEPER_SERVE_PROXY_PORT=8080. docs/configuration.md explains every key.
`

/** Every command there is. */
const COMMANDS: readonly AddCommand[] = [
  addServeCommand,
  addValidateCommand,
  addRulesCommand,
  addHealthCommand,
  addCredentialsCommand,
  addCompletionCommand,
  addVersionCommand,
]

/** Runs the command line and gives its exit code. `argv` is without Node and script. */
export async function runProgram(argv: readonly string[], context: CliContext): Promise<number> {
  let code: number = EXIT.done
  const finish = (result: number): void => {
    code = result
  }
  const program = new Command('oathkeeper')
    .description('An identity and access proxy: authenticates, authorizes and rewrites requests by access rules.')
    .addHelpText('after', HELP)
    .configureOutput({ writeOut: context.out, writeErr: context.err })
    .showHelpAfterError('(oathkeeper --help tells more)')
    .exitOverride()
  addConfigOption(program)
  for (const add of COMMANDS) add(program, context, finish)
  if (argv[0] === COMPLETE) {
    context.out(complete(program, argv.slice(1)))
    return EXIT.done
  }
  if (argv.length === 0) {
    program.outputHelp()
    return EXIT.done
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause
    return cause.exitCode === 0 ? EXIT.done : EXIT.usage
  }
}
