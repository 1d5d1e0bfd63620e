import type { PlainObject } from '../lib/deep-merge.ts'
import { isPlainObject } from '../lib/deep-merge.ts'
import type { Config } from './config.ts'
import type { KeyProblem } from './issues.ts'
import type { ConfigWire } from './schema/config.ts'
import type { LoginConfig } from './schema/login.ts'
import { isLoopback } from './schema/scalars.ts'
import type { SessionStoreConfig } from './schema/session-store.ts'
import type { CookieConfig, SessionWire } from './schema/session.ts'

const DEFAULT_LIFETIME_MS = 86_400_000

/** The sections whose keys depend on each other. */
export interface Sections {
  readonly login: LoginConfig | undefined
  readonly session: SessionWire
  readonly sessionStore: SessionStoreConfig
}

/** With `login.providers` the two handlers that use them are on, unless they are switched off by name. */
export function applyLoginDefaults(document: PlainObject): PlainObject {
  const login = document['login']
  if (!isPlainObject(login) || login['providers'] === undefined) return document
  const errors = sectionOf(document, 'errors')
  return {
    ...document,
    ...switchOn(document, 'authenticators', 'session'),
    ...(errors !== undefined && {
      errors: {
        ...errors,
        ...switchOn(errors, 'handlers', 'login'),
        fallback: errors['fallback'] ?? ['login', 'json'],
      },
    }),
  }
}

/** The section with the handler enabled; nothing where the section is no section, which the schema will tell. */
function switchOn(parent: PlainObject, section: string, handler: string): PlainObject {
  const table = sectionOf(parent, section)
  const settings = table && sectionOf(table, handler)
  return settings === undefined ? {} : { [section]: { ...table, [handler]: { enabled: true, ...settings } } }
}

function sectionOf(parent: PlainObject, key: string): PlainObject | undefined {
  const value = parent[key] === undefined ? {} : parent[key]
  return isPlainObject(value) ? value : undefined
}

/** Fills in what one section takes from another. Only for sections that `checkSections` found nothing in. */
export function completeConfig(wire: ConfigWire): Config {
  const { session, session_store: sessionStore, login } = wire
  return {
    serve: wire.serve,
    accessRules: wire.access_rules,
    handlers: {
      authenticators: wire.authenticators,
      authorizers: wire.authorizers,
      mutators: wire.mutators,
      errors: wire.errors.handlers,
    },
    errorFallback: wire.errors.fallback ?? ['json'],
    log: wire.log,
    templates: wire.templates,
    tracing: wire.tracing,
    profiling: wire.profiling === '' ? undefined : wire.profiling,
    version: wire.version,
    login,
    session: { ...session, lifetimeMs: lifetimeOf(session, sessionStore), cookie: cookieOf(session, login) },
    sessionStore,
  }
}

function lifetimeOf(session: SessionWire, store: SessionStoreConfig): number {
  return session.lifetimeMs ?? (store.type === 'redis' ? store.redis.ttlMs : DEFAULT_LIFETIME_MS)
}

function cookieOf({ cookie }: SessionWire, login: LoginConfig | undefined): CookieConfig {
  const secure = isHttps(login)
  return { ...cookie, name: cookie.name ?? defaultCookieName(cookie, login, secure), secure }
}

function defaultCookieName(
  { domain, path }: SessionWire['cookie'],
  login: LoginConfig | undefined,
  secure: boolean,
): string {
  // Where rules are the login, the name is that of the gateway which they were written for.
  if (login === undefined) return 'IG_SESSION_ID'
  return secure && domain === undefined && path === '/' ? '__Host-oathkeeper' : 'oathkeeper'
}

function isHttps(login: LoginConfig | undefined): boolean {
  return login !== undefined && login.baseUrls.every((url) => url.startsWith('https:'))
}

/** Checks that sections fit together. `document` tells what was written from what is a default. */
export function checkSections(sections: Sections, document: PlainObject): KeyProblem[] {
  return [
    ...checkLifetimes(sections, document),
    ...(sections.login === undefined ? [] : checkCookie(sections.session, sections.login)),
  ]
}

/** Where sessions have a lifetime, besides `session.lifetime`. */
function furtherLifetimes({ login, session }: Sections): { readonly path: KeyProblem['path']; readonly ms: number }[] {
  const { rememberMe } = session
  const ofProviders = (login?.providers ?? []).flatMap(({ session: own }, index) =>
    own.lifetimeMs === undefined
      ? []
      : [{ path: ['login', 'providers', index, 'session', 'lifetime'], ms: own.lifetimeMs }],
  )
  return [
    ...(rememberMe.enabled ? [{ path: ['session', 'remember_me', 'lifetime'], ms: rememberMe.lifetimeMs }] : []),
    ...ofProviders,
  ]
}

function checkLifetimes(sections: Sections, document: PlainObject): KeyProblem[] {
  const { session, sessionStore } = sections
  const { rememberMe } = session
  const problems: KeyProblem[] = []
  if (rememberMe.enabled && rememberMe.lifetimeMs < lifetimeOf(session, sessionStore)) {
    const message = 'must not be shorter than session.lifetime, which is for people who did not ask to stay signed in'
    problems.push({ path: ['session', 'remember_me', 'lifetime'], message })
  }
  if (sessionStore.type !== 'redis') return problems
  const redis = sectionOf(sectionOf(document, 'session_store') ?? {}, 'redis')
  if (redis?.['ttl'] === undefined) return problems
  const written = session.lifetimeMs === undefined ? [] : [{ path: ['session', 'lifetime'], ms: session.lifetimeMs }]
  for (const { path, ms } of [...written, ...furtherLifetimes(sections)]) {
    if (ms <= sessionStore.redis.ttlMs) continue
    const message =
      'must not be longer than session_store.redis.ttl, after which the data of the session is gone; shorten it, or leave session_store.redis.ttl out'
    problems.push({ path, message })
  }
  return problems
}

/** What browsers would refuse or send to the wrong place is refused here, where it can be told (V-099). */
function checkCookie({ cookie }: SessionWire, login: LoginConfig): KeyProblem[] {
  const problems: KeyProblem[] = []
  const add = (key: string, message: string): void => void problems.push({ path: ['session', 'cookie', key], message })
  const secure = isHttps(login)
  const { name, domain, path, sameSite } = cookie
  if (!secure && login.baseUrls.some((url) => url.startsWith('https:'))) {
    problems.push({
      path: ['login', 'base_url'],
      message: 'must be all https or all http: the session cookie is either',
    })
  }
  if (sameSite === 'none' && !secure) add('same_site', 'none needs https in login.base_url: browsers refuse the cookie')
  if (name !== undefined && /^__(host|secure)-/i.test(name) && !secure) {
    add('name', `a name that begins with ${name.slice(0, name.indexOf('-') + 1)} needs https in login.base_url`)
  }
  if (name !== undefined && /^__host-/i.test(name) && (domain !== undefined || path !== '/')) {
    add('name', 'a name that begins with __Host- allows neither session.cookie.domain nor another path than /')
  }
  const stray = login.baseUrls.find((url) => domain !== undefined && !isWithin(new URL(url).hostname, domain))
  if (stray !== undefined) add('domain', `must hold every host of login.base_url; ${stray} is outside of ${domain}`)
  const loginPath = `${login.basePath}/`
  if (path !== '/' && !loginPath.startsWith(path.endsWith('/') ? path : `${path}/`)) {
    add('path', `must hold login.base_path (${login.basePath}), where the cookie is needed to log out`)
  }
  return problems
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

/** What works and is probably not meant. */
export function sectionWarnings({ login, session, sessionStore }: Sections, document: PlainObject): KeyProblem[] {
  const warnings: KeyProblem[] = []
  const store = sectionOf(document, 'session_store') ?? {}
  if (sessionStore.type === 'memory' && store['redis'] !== undefined && store['type'] === undefined) {
    warnings.push({
      path: ['session_store', 'redis'],
      message: 'has no effect: session_store.type is memory by default; set it to redis',
    })
  }
  if (sessionStore.type !== 'module' && store['config'] !== undefined) {
    warnings.push({ path: ['session_store', 'config'], message: 'has no effect: it is for a store that is a module' })
  }
  const outage = sectionOf(store, 'outage')?.['grace']
  if (
    sessionStore.type !== 'memory' &&
    sessionStore.nearCache === undefined &&
    outage !== undefined &&
    outage !== '0s'
  ) {
    warnings.push({
      path: ['session_store', 'outage'],
      message: 'has no effect without session_store.near_cache, from which sessions go on',
    })
  }
  const open = login?.baseUrls.find((url) => url.startsWith('http:') && !isLoopback(new URL(url).hostname))
  if (open !== undefined) {
    warnings.push({ path: ['login', 'base_url'], message: `${open} is not https: session cookies travel unencrypted` })
  }
  const { idleTimeoutMs, rememberMe } = session
  if (rememberMe.asks && !rememberMe.enabled) {
    warnings.push({ path: ['session', 'remember_me', 'ask'], message: 'has no effect without remember_me.enabled' })
  }
  if (idleTimeoutMs !== undefined && idleTimeoutMs >= lifetimeOf(session, sessionStore)) {
    warnings.push({
      path: ['session', 'idle_timeout'],
      message: 'has no effect: sessions do not live longer than that',
    })
  }
  return warnings
}
