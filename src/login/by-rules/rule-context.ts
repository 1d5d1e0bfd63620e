import type { Clock } from '../../kernel/clock.ts'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Problem } from '../../kernel/problem.ts'
import type { LoginStates, ProviderLogouts, SessionManager } from '../../sessions/contract.ts'
import type { TakeForkSession } from '../../sessions/fork-session.ts'
import { checkCookie } from '../check-cookie.ts'
import type { LoginContext } from '../context.ts'
import { createLoginCookies } from '../login-cookie.ts'
import { createSubjectReader } from '../principal.ts'
import type { Provider } from '../provider.ts'
import { createReturnTargets } from '../return-target.ts'
import { createSessionCookie } from '../session-cookie.ts'
import type { LoginSettings } from '../settings.ts'
import type { RuleLoginOptions } from './options.ts'

export interface RuleLoginDeps {
  readonly sessions: SessionManager
  readonly states: LoginStates
  readonly logouts: ProviderLogouts
  /** Where sessions of the fork are taken over. */
  readonly takeForkSession?: TakeForkSession | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** The subject of these sessions is always the provider's own name for the person. */
const SUBJECT_FROM = 'sub'

/**
 * Makes what the steps of a login work with, for one address of a rule. Its origin, from the configuration, is the only one
 * that anybody is ever sent to; the address itself is no page to come back to.
 * @param key of the address in the handler's configuration, for what is wrong with it
 * @throws {HandlerConfigError} when browsers would drop the cookie there.
 */
export function createRuleContext(
  address: string,
  key: string,
  options: RuleLoginOptions,
  deps: RuleLoginDeps,
  providers: LoginContext['providers'] = NO_PROVIDERS,
): LoginContext {
  const { origin, hostname, pathname, protocol } = new URL(address)
  const secure = protocol === 'https:'
  const problems: Problem[] = []
  const cookieName = checkCookie(options.cookie, { secure, hosts: [hostname] }, problems)
  if (problems[0] !== undefined) {
    throw new HandlerConfigError([key], `does not fit ${problems[0].path}: ${problems[0].message}`)
  }
  const returnTargets = createReturnTargets({ origins: [origin], basePath: pathname })
  const root = () => returnTargets.root(origin)
  const settings: LoginSettings = {
    baseUrls: { all: [origin], find: () => origin, of: () => origin },
    basePath: pathname,
    providerIds: [],
    stateTtlMs: options.stateTtlMs,
    returnTargets,
    secure,
    cookieName,
    cookie: options.cookie,
    afterLogin: root,
    afterLogout: root,
    leavesAfterLogout: false,
  }
  return {
    ...deps,
    settings,
    providers,
    sessionCookie: createSessionCookie(settings),
    loginCookies: createLoginCookies(settings, deps.clock),
    subjectOf: createSubjectReader(SUBJECT_FROM),
    // The page itself begins the login anew.
    startAgainUrl: (_baseUrl, { returnTo }) => returnTo ?? root(),
  }
}

const NO_PROVIDERS: ReadonlyMap<string, Provider> = new Map()
