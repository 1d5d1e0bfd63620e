import type { Command } from 'commander'
import { CallError, callApi } from './call-api.ts'
import type { CliContext, Finish } from './context.ts'
import { addEndpointOption, endpointOf } from './endpoint-option.ts'
import { EXIT } from './exit-codes.ts'
import { addFormatOption, type Format, printable, render } from './format.ts'
import { reportFailure } from './report.ts'
import { compactRule, RULE_COLUMNS, ruleRow } from './rule-view.ts'

const HELP = `
Example:
  oathkeeper rules get my-rule -e http://127.0.0.1:4456
`

interface Options {
  readonly format: Format
}

/** `oathkeeper rules get`: one rule of a running instance. */
export function addRulesGetCommand(rules: Command, context: CliContext, finish: Finish): void {
  const command = rules.command('get').description('Get one access rule.').argument('<id>', 'its id')
  addFormatOption(addEndpointOption(command), ['json', 'yaml', 'table'])
    .addHelpText('after', HELP)
    .action(async (id: string, { format }: Options) => {
      const endpoint = endpointOf(command)
      try {
        const rule = compactRule(await callApi(endpoint, `/rules/${encodeURIComponent(id)}`))
        context.out(await render(rule, format, () => [RULE_COLUMNS, ruleRow(rule)]))
        finish(EXIT.done)
      } catch (cause) {
        const isMissing = cause instanceof CallError && cause.status === 404
        if (!isMissing) return finish(reportFailure(cause, context))
        context.err(`oathkeeper: there is no rule "${printable(id)}", or it has a mistake\n`)
        finish(EXIT.failed)
      }
    })
}
