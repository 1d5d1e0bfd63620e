import { z } from 'zod'
import type { RequestView } from '../../kernel/request.ts'
import { readCookies } from '../../lib/go-cookie.ts'
import { defineAuthenticator } from '../define.ts'
import type { SessionReader } from '../deps.ts'
import { compileSessionCheck, type SessionCheckDeps, sessionCheckFields, sessionPathFields } from '../session-check.ts'

const DEFAULT_SUBJECT_FROM = 'subject'

const schema = z.strictObject({
  ...sessionCheckFields,
  only: z.array(z.string()).default([]).describe('Names of cookies, one of which must be there. Default: any cookie.'),
  ...sessionPathFields(DEFAULT_SUBJECT_FROM),
})

interface Deps extends SessionCheckDeps {
  readonly sessions: SessionReader | undefined
}

/** Lets in whom a session service knows by the cookies of the request. */
export const cookieSession = defineAuthenticator({
  type: 'cookie_session',
  schema,
  compile: (config, deps: Deps) => {
    const { sessions } = deps
    const linesOf = ({ headers }: RequestView): string[] => {
      const lines = headers.getAll('cookie')
      // The session of our own login is nobody else's business.
      return sessions === undefined ? lines : lines.flatMap((line) => sessions.withoutOwnCookies(line) ?? [])
    }
    const only = new Set(config.only)
    const isResponsible = (lines: readonly string[]): boolean =>
      lines.length > 0 && readCookies(lines).some(({ name }) => only.size === 0 || only.has(name))
    const check = compileSessionCheck(
      {
        handler: 'cookie_session',
        config,
        defaultSubjectFrom: DEFAULT_SUBJECT_FROM,
        credential: 'cookie',
        credentialOf: linesOf,
      },
      deps,
    )
    return (exchange) => isResponsible(linesOf(exchange.request)) && check(exchange)
  },
})
