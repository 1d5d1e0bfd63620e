import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
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

/** From package.json, which stands two folders up both of `src/cli` and of `dist/cli`. */
function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { readonly version: string }
  return version
}
