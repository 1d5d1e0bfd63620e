import { z } from 'zod'
import { GateError } from '../../kernel/errors.ts'
import { defineAuthenticator } from '../define.ts'

const UNUSED = 'Accepted for compatibility: set it in the error handler `redirect` with `type: logout`.'

const schema = z.strictObject({
  oidc_logout_url: z.string().optional().describe(UNUSED),
  post_logout_redirect_url: z.string().optional().describe(UNUSED),
  retry: z.looseObject({}).optional().describe('Accepted for compatibility.'),
  cache: z.looseObject({}).optional().describe('Accepted for compatibility.'),
})

/** Refuses everybody with 401, so that an error handler of the rule can end the session. */
export const logout = defineAuthenticator({
  type: 'logout',
  schema,
  compile: () => () => {
    throw new GateError('ERR_CREDENTIALS_INVALID')
  },
})
