import type { Config } from '../config/config.ts'
import type { RefreshTokens } from '../sessions/contract.ts'
import { createRuleLogin, type RuleLogin } from '../login/by-rules/rule-login.ts'
import type { RuleLoginDeps } from '../login/by-rules/rule-context.ts'
import { createLogin, type Login } from '../login/login.ts'
import { withoutCookies } from '../lib/without-cookies.ts'
import { loginOptions, ruleLoginOptions } from './area-options.ts'

/** The ways to sign in that a configuration has. They share sessions and their cookie. */
export interface SignIn {
  /** By the routes of the section `login`. */
  readonly login: Login | undefined
  /** By rules. */
  readonly ruleLogin: RuleLogin | undefined
  /** For handlers; nothing where nobody signs in. */
  readonly reader: Login['reader'] | undefined
  /** Whether a cookie is a session's or that of an attempt: those never reach an upstream. */
  isOwnCookie(name: string): boolean
  readonly refresh: RefreshTokens
  close(): Promise<void>
}

/** @throws {ProblemsError} when the options contradict each other. */
export function createSignIn(config: Config, deps: RuleLoginDeps): SignIn {
  const options = loginOptions(config)
  const login = options === undefined ? undefined : createLogin(options, deps)
  const ruleOptions = ruleLoginOptions(config)
  const ruleLogin = ruleOptions === undefined ? undefined : createRuleLogin(ruleOptions, deps)
  const isOwnCookie = (name: string) => (login?.isOwnCookie(name) ?? false) || (ruleLogin?.isOwnCookie(name) ?? false)
  const reader = login?.reader ?? ruleLogin?.reader
  return {
    login,
    ruleLogin,
    reader: reader && { ...reader, withoutOwnCookies: (header) => withoutCookies(header, isOwnCookie) },
    isOwnCookie,
    refresh: async (session, maySend) => {
      const owner = ruleLogin?.knows(session.provider) === true ? ruleLogin : login
      return owner?.refresh(session, maySend) ?? { kind: 'rejected', detail: 'its provider is not configured any more' }
    },
    async close() {
      await Promise.all([login?.close(), ruleLogin?.close()])
    },
  }
}
