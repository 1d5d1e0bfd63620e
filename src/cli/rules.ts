import type { AddCommand } from './context.ts'
import { addEndpointOption } from './endpoint-option.ts'
import { addGroup } from './group.ts'
import { addRulesGetCommand } from './rules-get.ts'
import { addRulesListCommand } from './rules-list.ts'

/** `oathkeeper rules`: what a running instance has of rules. */
export const addRulesCommand: AddCommand = (program, context, finish) => {
  addGroup(program, 'rules', 'Look at the access rules of a running instance.', (rules) => {
    addEndpointOption(rules)
    addRulesListCommand(rules, context, finish)
    addRulesGetCommand(rules, context, finish)
  })
}
