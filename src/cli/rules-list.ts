import { type Command, InvalidArgumentError } from 'commander'
import { callApi } from './call-api.ts'
import type { CliContext, Finish } from './context.ts'
import { addEndpointOption, endpointOf } from './endpoint-option.ts'
import { EXIT } from './exit-codes.ts'
import { addFormatOption, type Format, render } from './format.ts'
import { reportFailure } from './report.ts'
import { compactRule, RULE_COLUMNS, ruleRow } from './rule-view.ts'

const HELP = `
Lists the rules in force, in the order of their sources. Rules with a mistake are not among them: the log names them.

Examples:
  oathkeeper rules list -e http://127.0.0.1:4456
  oathkeeper rules list -e http://127.0.0.1:4456 --limit 500 --page 2 --format table
`

interface Options {
  readonly format: Format
  readonly limit: number
  readonly page: number
}

/** `oathkeeper rules list`: the rules of a running instance, a page at a time. */
export function addRulesListCommand(rules: Command, context: CliContext, finish: Finish): void {
  const command = rules
    .command('list')
    .description('List access rules.')
    .option('--limit <number>', 'how many at most; the API gives no more than 500', parseCount, 20)
    .option('--page <number>', 'which page of that length, from 1', parseCount, 1)
  addFormatOption(addEndpointOption(command), ['json', 'yaml', 'table'])
    .addHelpText('after', HELP)
    .action(async ({ format, limit, page }: Options) => {
      const endpoint = endpointOf(command)
      try {
        const query = `limit=${limit}&offset=${(page - 1) * limit}`
        const found = (await callApi(endpoint, `/rules?${query}`)) as unknown[]
        const compact = found.map(compactRule)
        context.out(await render(compact, format, () => [RULE_COLUMNS, ...compact.map(ruleRow)]))
        finish(EXIT.done)
      } catch (cause) {
        finish(reportFailure(cause, context))
      }
    })
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a number from 1.')
  return Number(text)
}
