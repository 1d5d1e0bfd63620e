import type { Command } from 'commander'
import { packageVersion } from '../lib/package-version.ts'
import type { CliContext, Finish } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { addFormatOption, type Format, render } from './format.ts'

/** `oathkeeper version`: which version this is, and what runs it. */
export function addVersionCommand(program: Command, context: CliContext, finish: Finish): void {
  const command = program.command('version').description('Print the version.')
  addFormatOption(command, ['table', 'json', 'yaml']).action(async ({ format }: { readonly format: Format }) => {
    const version = { version: packageVersion(), node: process.version }
    const rows = [
      ['Version:', version.version],
      ['Node:', version.node],
    ]
    context.out(await render(version, format, () => rows))
    finish(EXIT.done)
  })
}
