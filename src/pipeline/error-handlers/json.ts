import { z } from 'zod'
import { errorReply } from '../../kernel/error-reply.ts'
import { defineErrorHandler } from '../define.ts'
import { compileWhen, whenSchema } from './when.ts'

const schema = z.strictObject({
  verbose: z.boolean().default(false).describe('Tells the error itself instead of one sentence per status.'),
  when: whenSchema,
})

/** Answers with Oathkeeper's JSON document. */
export const json = defineErrorHandler({
  type: 'json',
  schema,
  compile: ({ verbose, when }) => ({
    precedence: 'sole',
    matches: compileWhen(when),
    respond: ({ error, exchange }) => {
      const sessionEnd = error.status === 401 ? exchange.sessionEnd : undefined
      return errorReply(error, { verbose, requestId: exchange.request.requestId, sessionEnd })
    },
  }),
})
