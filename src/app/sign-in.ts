import type { Config } from '../config/config.ts'
import type { RefreshTokens, UserinfoOutcome, UserinfoSource } from '../sessions/contract.ts'
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
  readonly userinfo: UserinfoSource
  close(): Promise<void>
}

/** @throws {ProblemsError} when the options contradict each other. */
export function createSignIn(config: Config, deps: RuleLoginDeps): SignIn {
  const options = loginOptions(config)
  const login = options === undefined ? undefined : createLogin(options, deps)
  const ruleOptions = ruleLoginOptions(config)
  const ruleLogin = ruleOptions === undefined ? undefined : createRuleLogin(ruleOptions, deps)
  const isOwnCookie = (name: string) => (login?.isOwnCookie(name) ?? false) || (ruleLogin?.isOwnCookie(name) ?? false)
  const ownerOf = (provider: string) => (ruleLogin?.knows(provider) === true ? ruleLogin : login)
  const reader = login?.reader ?? ruleLogin?.reader
  return {
    login,
    ruleLogin,
    reader: reader && { ...reader, withoutOwnCookies: (header) => withoutCookies(header, isOwnCookie) },
    isOwnCookie,
    refresh: async (session, maySend) => {
      const owner = ownerOf(session.provider)
      return owner?.refresh(session, maySend) ?? { kind: 'rejected', detail: 'its provider is not configured any more' }
    },
    userinfo: {
      isRead: (provider) => ownerOf(provider)?.userinfo.isRead(provider) ?? false,
      read: async (session) => ownerOf(session.provider)?.userinfo.read(session) ?? NOBODYS_USERINFO,
    },
    async close() {
      await Promise.all([login?.close(), ruleLogin?.close()])
    },
  }
}

const NOBODYS_USERINFO: UserinfoOutcome = { kind: 'failed', detail: 'its provider is not configured any more' }
