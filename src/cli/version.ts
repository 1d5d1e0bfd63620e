import type { Command } from 'commander'
import { packageVersion } from '../lib/package-version.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-codes.ts'

/** `oathkeeper version`: which version this is, and what runs it. */
export function addVersionCommand(program: Command, context: CliContext, finish: (code: number) => void): void {
  program
    .command('version')
    .description('Print the version.')
    .action(() => {
      context.out(`Version:    ${packageVersion()}\nNode:       ${process.version}\n`)
      finish(EXIT.done)
    })
}
