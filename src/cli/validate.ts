import type { Command } from 'commander'
import { addConfigOption, configFilesOf } from './config-option.ts'
import type { CliContext, Finish } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { reportFailure, reportProblems, reportWarnings } from './report.ts'

const HELP = `
Loads configuration and rules by the very code that serve uses, and says everything that is wrong: file, line, key,
what was found and what is allowed. Nothing listens, no store and no provider is asked.

Exit codes:
  0    nothing is wrong
  1    it could not be checked
  2    wrong usage
  255  something is wrong

Examples:
  oathkeeper validate -c oathkeeper.yaml
  docker run --rm -v "$PWD:/etc/oathkeeper" oathkeeper validate -c /etc/oathkeeper/oathkeeper.yaml
`

const FINE = 'Nothing is wrong with the configuration and its rules.\n'
const FINE_WITHOUT_FILE =
  'No configuration file was named (-c FILE). Nothing is wrong with the defaults and the environment.\n'

/** `oathkeeper validate`: checks configuration and rules without serving. */
export function addValidateCommand(program: Command, context: CliContext, finish: Finish): void {
  const command = program.command('validate').description('Check configuration and rules without serving.')
  addConfigOption(command)
    .addHelpText('after', HELP)
    .action(async () => {
      try {
        const { validateApp } = await context.loadApplication()
        const configFiles = configFilesOf(command)
        const { problems, warnings } = await validateApp({ configFiles, env: context.env })
        reportWarnings(warnings, context)
        if (problems.length > 0) reportProblems(problems, context)
        else context.out(configFiles.length > 0 ? FINE : FINE_WITHOUT_FILE)
        finish(problems.length > 0 ? EXIT.refused : EXIT.done)
      } catch (cause) {
        finish(reportFailure(cause, context))
      }
    })
}
