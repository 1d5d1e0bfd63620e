import type { Command } from 'commander'
import { addHealthCheck } from './health-check.ts'
import type { CliContext, Finish } from './context.ts'

/** `oathkeeper health ready`: can it decide about requests? */
export function addHealthReadyCommand(health: Command, context: CliContext, finish: Finish): void {
  const description = 'Can it decide about requests? Exit code 1, and what is missing, when not.'
  addHealthCheck(health, { name: 'ready', description }, context, finish)
}
