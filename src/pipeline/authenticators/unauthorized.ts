import { GateError } from '../../kernel/errors.ts'
import { defineAuthenticator } from '../define.ts'

/** Refuses everybody with 401. */
export const unauthorized = defineAuthenticator({
  type: 'unauthorized',
  schema: undefined,
  compile: () => () => {
    throw new GateError('ERR_CREDENTIALS_INVALID')
  },
})
