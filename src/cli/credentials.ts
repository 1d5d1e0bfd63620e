import type { AddCommand } from './context.ts'
import { addCredentialsGenerateCommand } from './credentials-generate.ts'
import { addGroup } from './group.ts'

/** `oathkeeper credentials`: keys for what signs tokens. */
export const addCredentialsCommand: AddCommand = (program, context, finish) => {
  addGroup(program, 'credentials', 'Make keys that sign tokens.', (credentials) => {
    addCredentialsGenerateCommand(credentials, context, finish)
  })
}
