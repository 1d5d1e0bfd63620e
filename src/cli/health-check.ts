import type { Command } from 'commander'
import { callApi } from './call-api.ts'
import type { CliContext, Finish } from './context.ts'
import { addEndpointOption, endpointOf } from './endpoint-option.ts'
import { EXIT } from './exit-codes.ts'
import { addFormatOption, type Format, render } from './format.ts'
import { reportFailure } from './report.ts'

interface Options {
  readonly format: Format
}

/** A command that asks one route below `/health`. */
export function addHealthCheck(
  health: Command,
  { name, description }: { readonly name: 'alive' | 'ready'; readonly description: string },
  context: CliContext,
  finish: Finish,
): void {
  const command = health.command(name).description(description)
  const help = `
The URL should be that of one instance: behind a load balancer the answer is that of any.

Example:
  oathkeeper health ${name} -e http://127.0.0.1:4456
`
  addFormatOption(addEndpointOption(command), ['json', 'yaml', 'table'])
    .addHelpText('after', help)
    .action(async ({ format }: Options) => {
      const endpoint = endpointOf(command)
      try {
        const answer = (await callApi(endpoint, `/health/${name}`)) as { status?: unknown }
        context.out(await render(answer, format, () => [['STATUS'], [String(answer.status)]]))
        finish(answer.status === 'ok' ? EXIT.done : EXIT.failed)
      } catch (cause) {
        finish(reportFailure(cause, context))
      }
    })
}
