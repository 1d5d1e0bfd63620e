import { defineAuthorizer } from '../define.ts'

/** Allows everything to whom an authenticator let in. */
export const allow = defineAuthorizer({
  type: 'allow',
  schema: undefined,
  compile: () => () => {},
})
