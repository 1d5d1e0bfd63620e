import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { GateError } from '../../kernel/errors.ts'
import type { Exchange } from '../../kernel/exchange.ts'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import type { Session } from '../../sessions/contract.ts'
import { defineAuthenticator } from '../define.ts'
import type { LoginEntry, SessionReader } from '../deps.ts'
import { openSession } from '../open-session.ts'
import { checkAcr, compileRequirement, stepUpFields } from '../step-up.ts'

const providerId = z.string().regex(/^[a-z0-9-]+$/, 'is not the id of a provider')

const schema = z.strictObject({
  provider: z
    .union([providerId, z.array(providerId).min(1)])
    .optional()
    .describe('Only sessions of this provider, or of one of these, are accepted. Default: of any.'),
  ...stepUpFields,
  store_outage: z
    .enum(['grace', 'deny'])
    .default('grace')
    .describe(
      'While the session store cannot be asked: `grace` lets in sessions that are known here, for `session_store.outage.grace`; `deny` answers 503.',
    ),
})

interface Deps {
  readonly sessions: SessionReader | undefined
  readonly login: LoginEntry | undefined
  readonly clock: Clock
}

/**
 * Lets in who has a live session. Without one it is not responsible, so that `[session, anonymous]` serves both; a store
 * that cannot be asked ends the request with 503, because not knowing is not the same as knowing that there is none. A session
 * that is not enough (`acr`, `max_age`, `lifetime`, `idle_timeout`) ends it with 401 and the login that would do, whoever the rule asks next.
 */
export const session = defineAuthenticator({
  type: 'session',
  schema,
  compile: ({ provider, store_outage: outage, ...required }, { sessions, login, clock }: Deps) => {
    if (sessions === undefined || login === undefined) {
      throw new HandlerConfigError([], 'sessions need the section "login" with a provider')
    }
    const accepted = provider === undefined ? undefined : [provider].flat()
    for (const id of accepted ?? []) {
      if (login.providerIds.includes(id)) continue
      const known = login.providerIds.join(', ')
      throw new HandlerConfigError(['provider'], `"${id}" is not the id of a provider in login.providers: ${known}`)
    }

    checkAcr(required.acr, login, accepted ?? login.providerIds)
    const requirement = compileRequirement(required, clock)
    if (required.idle_timeout !== undefined) sessions.observeIdle(required.idle_timeout)

    const admit = (exchange: Exchange, opened: Session | undefined): boolean => {
      if (opened === undefined || (accepted !== undefined && !accepted.includes(opened.provider))) {
        exchange.wantedLogin ??= requirement?.login
        return false
      }
      exchange.sessionId = opened.id
      const shortfall = requirement?.shortfallOf(opened)
      if (shortfall !== undefined) {
        const { stepUp, detail } = shortfall
        throw new GateError('ERR_AUTHENTICATION_INSUFFICIENT', {
          stepUp: { ...stepUp, provider: opened.provider },
          detail,
        })
      }
      const principal = sessions.toPrincipal(opened)
      exchange.subject = principal.subject
      exchange.extra = principal.extra
      return true
    }

    return (exchange) => {
      const opened = openSession(sessions, exchange, outage)
      return opened instanceof Promise ? opened.then((late) => admit(exchange, late)) : admit(exchange, opened)
    }
  },
})
