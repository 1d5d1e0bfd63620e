import type { Command } from 'commander'
import { addHealthCheck } from './health-check.ts'
import type { CliContext, Finish } from './context.ts'

/** `oathkeeper health alive`: does the process answer? */
export function addHealthAliveCommand(health: Command, context: CliContext, finish: Finish): void {
  addHealthCheck(health, { name: 'alive', description: 'Does it run? Exit code 1 when not.' }, context, finish)
}
