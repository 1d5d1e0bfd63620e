import { z } from 'zod'
import type { Exchange } from '../../kernel/exchange.ts'
import { type AuthenticateStep, HandlerConfigError } from '../../kernel/handlers.ts'
import { canonicalHeaderName } from '../../lib/go-header.ts'
import type { Session } from '../../sessions/contract.ts'
import { defineAuthenticator } from '../define.ts'
import type { RuleLogin } from '../deps.ts'
import { openSession } from '../open-session.ts'
import { setHeaderText } from '../set-header.ts'
import {
  compileTokenPolicy,
  hasThreeParts,
  type TokenIdentity,
  tokenPolicyFields,
  type TokenPolicyDeps,
} from '../token-policy.ts'

const schema = z.strictObject(tokenPolicyFields)

interface Deps extends TokenPolicyDeps {
  readonly ruleLogin: RuleLogin | undefined
}

/** The token is used right after the provider has made it, by a clock that may be a little ahead of ours. */
const SKEW_SECONDS = 60

/** What names the session to templates and upstreams: its public id, which opens nothing. */
const SESSION_ID_KEYS = ['IG_SESSION_ID', 'wso2_session_id'] as const
const SESSION_ID_HEADER = canonicalHeaderName('IG_SESSION_ID')
const OWNED_HEADERS = [...SESSION_ID_KEYS, 'Sub', 'Username']

/**
 * Lets in who has a session whose access token is a JSON Web Token that the rule accepts. Without a session, or with a token of
 * another kind, it is not responsible.
 */
export const sessionJwt = defineAuthenticator({
  type: 'session_jwt',
  schema,
  compile: (config, { ruleLogin, ...deps }: Deps): AuthenticateStep => {
    if (ruleLogin === undefined) throw new HandlerConfigError([], 'is not enabled')
    const judge = compileTokenPolicy(config, deps, SKEW_SECONDS)

    const known = new WeakMap<Session, Principal>()

    const admit = (exchange: Exchange, session: Session, identity: TokenIdentity): true => {
      let principal = known.get(session)
      if (principal === undefined) {
        principal = principalOf(session, identity)
        known.set(session, principal)
      }
      exchange.subject = principal.subject
      exchange.extra = principal.extra
      setHeaderText(exchange, SESSION_ID_HEADER, session.id)
      setHeaderText(exchange, 'Sub', session.subject)
      setHeaderText(exchange, 'Username', principal.username)
      return true
    }

    const decide = (exchange: Exchange, session: Session | undefined): boolean | Promise<boolean> => {
      if (session === undefined) return false
      exchange.sessionId = session.id
      const { accessToken } = session.tokens
      if (!hasThreeParts(accessToken)) return false
      const identity = judge(accessToken)
      return identity instanceof Promise
        ? identity.then((late) => admit(exchange, session, late))
        : admit(exchange, session, identity)
    }

    const step = (exchange: Exchange): boolean | Promise<boolean> => {
      const opened = openSession(ruleLogin.reader, exchange, 'grace')
      return opened instanceof Promise ? opened.then((late) => decide(exchange, late)) : decide(exchange, opened)
    }
    return Object.assign(step, { ownedHeaders: OWNED_HEADERS })
  },
})

interface Principal {
  readonly subject: string
  readonly username: string
  readonly extra: Readonly<Record<string, unknown>>
}

/** The claims of the access token, and beside them what no claim can overwrite. */
function principalOf({ id, subject, claims, tokens }: Session, identity: TokenIdentity): Principal {
  const username = typeof claims['username'] === 'string' ? claims['username'] : ''
  const extra = {
    ...identity.extra,
    sub: subject,
    username,
    name: username,
    ...Object.fromEntries(SESSION_ID_KEYS.map((key) => [key, id])),
    id_token: tokens.idToken,
    access_token: tokens.accessToken,
  }
  return { subject: identity.subject, username, extra }
}
