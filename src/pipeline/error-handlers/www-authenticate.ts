import { z } from 'zod'
import type { Reply } from '../../kernel/reply.ts'
import { toHeaderValue } from '../../lib/header-value.ts'
import { defineErrorHandler } from '../define.ts'
import { compileWhen, whenSchema } from './when.ts'

const schema = z.strictObject({
  realm: z.string().default('Please authenticate.').describe('What the browser shows in its password prompt.'),
  when: whenSchema,
})

/** Asks for a password (HTTP Basic), whatever the error was. */
export const wwwAuthenticate = defineErrorHandler({
  type: 'www_authenticate',
  schema,
  compile: ({ realm, when }) => {
    const reply: Reply = {
      status: 401,
      headers: [
        ['Content-Type', 'text/plain; charset=utf-8'],
        // Not quoted, as in Oathkeeper: browsers take it, and applications compare it.
        ['WWW-Authenticate', `Basic realm=${toHeaderValue(realm)}`],
        ['X-Content-Type-Options', 'nosniff'],
        ['Cache-Control', 'no-store'],
      ],
      body: 'Unauthorized\n',
    }
    return { precedence: 'sole', matches: compileWhen(when), respond: () => reply }
  },
})
