import { GateError } from '../../kernel/errors.ts'
import { defineAuthorizer } from '../define.ts'

/** Refuses everything with 403. */
export const deny = defineAuthorizer({
  type: 'deny',
  schema: undefined,
  compile: () => () => {
    throw new GateError('ERR_ACCESS_FORBIDDEN')
  },
})
