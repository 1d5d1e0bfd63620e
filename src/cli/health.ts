import type { AddCommand } from './context.ts'
import { addEndpointOption } from './endpoint-option.ts'
import { addGroup } from './group.ts'
import { addHealthAliveCommand } from './health-alive.ts'
import { addHealthReadyCommand } from './health-ready.ts'

/** `oathkeeper health`: how a running instance is. */
export const addHealthCommand: AddCommand = (program, context, finish) => {
  addGroup(program, 'health', 'Ask a running instance how it is.', (health) => {
    addEndpointOption(health)
    addHealthAliveCommand(health, context, finish)
    addHealthReadyCommand(health, context, finish)
  })
}
