import { z } from 'zod'
import { defineAuthenticator } from '../define.ts'
import { compileSessionCheck, type SessionCheckDeps, sessionCheckFields, sessionPathFields } from '../session-check.ts'
import { compileTokenReader, tokenFromSchema } from '../token-from.ts'

const DEFAULT_SUBJECT_FROM = 'sub'

const schema = z.strictObject({
  ...sessionCheckFields,
  token_from: tokenFromSchema,
  prefix: z.string().default('').describe('Only a token that begins with it counts.'),
  ...sessionPathFields(DEFAULT_SUBJECT_FROM),
})

/** Lets in whom a session service knows by the token of the request. */
export const bearerToken = defineAuthenticator({
  type: 'bearer_token',
  schema,
  compile: (config, deps: SessionCheckDeps) => {
    const readToken = compileTokenReader(config.token_from)
    const check = compileSessionCheck(
      { handler: 'bearer_token', config, defaultSubjectFrom: DEFAULT_SUBJECT_FROM, credential: 'authorization' },
      deps,
    )
    return (exchange) => {
      const token = readToken(exchange.request)
      return token !== '' && token.startsWith(config.prefix) && check(exchange)
    }
  },
})
