import { defineAuthenticator } from '../define.ts'

/** Lets everybody in as nobody: the subject stays empty. */
export const noop = defineAuthenticator({
  type: 'noop',
  schema: undefined,
  compile: () => () => true,
})
