import { z } from 'zod'
import { defineAuthenticator } from '../define.ts'

const schema = z.strictObject({
  subject: z.string().default('anonymous').describe('The subject of a request without credentials.'),
})

/** Lets in who sends no `Authorization`, under a fixed subject. */
export const anonymous = defineAuthenticator({
  type: 'anonymous',
  schema,
  compile: ({ subject }) => {
    return (exchange) => {
      if (exchange.request.headers.get('authorization')) return false
      exchange.subject = subject
      return true
    }
  },
})
