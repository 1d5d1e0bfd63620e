import { type Problem, ProblemsError } from '../kernel/problem.ts'
import { checkCookie } from './check-cookie.ts'
import { checkProviders } from './check-providers.ts'
import type { CookieOptions, LoginOptions, RememberMeOptions } from './options.ts'
import { createReturnTargets, type ReturnTarget, type ReturnTargets } from './return-target.ts'

/** What every route works with: the options, checked and made ready. */
export interface LoginSettings {
  readonly baseUrls: BaseUrls
  readonly basePath: string
  readonly providerIds: readonly string[]
  readonly stateTtlMs: number
  readonly returnTargets: ReturnTargets
  /** https: cookies are `Secure`, answers carry HSTS. */
  readonly secure: boolean
  readonly cookieName: string
  readonly cookie: CookieOptions
  /** Nothing where nobody may ask to stay signed in. */
  readonly rememberMe?: RememberMeOptions | undefined
  /** Where a request of this origin goes after login and logout. */
  afterLogin(baseUrl: string): ReturnTarget
  afterLogout(baseUrl: string): ReturnTarget
  /** `login.after_logout` is not `/`: people are sent there, instead of being shown the page. */
  readonly leavesAfterLogout: boolean
}

export interface BaseUrls {
  readonly all: readonly string[]
  /** The configured origin that a request with this `Host` came to. */
  find(host: string): string | undefined
  /** As `find`, or the default one: never made of what the request says. */
  of(host: string): string
}

const BASE_PATH = /^(?:\/[A-Za-z0-9_~.-]*[A-Za-z0-9_~-][A-Za-z0-9_~.-]*)+$/

/**
 * Checks what a schema cannot see and makes the options ready for requests.
 * @throws {ProblemsError} with every mistake, by its path in the configuration.
 */
export function compileSettings(options: LoginOptions): LoginSettings {
  const problems: Problem[] = []
  const bases = checkOrigins(options.baseUrls, 'login.base_url', problems)
  const allowed = checkOrigins(options.allowedReturnOrigins, 'login.allowed_return_origins', problems)
  const secure = bases.every((origin) => origin.startsWith('https:'))
  if (!secure && bases.some((origin) => origin.startsWith('https:'))) {
    problems.push({ path: 'login.base_url', message: 'https and http are mixed: cookies are one or the other' })
  }
  if (bases.length === 0 && problems.length === 0) problems.push({ path: 'login.base_url', message: 'is required' })
  if (!BASE_PATH.test(options.basePath)) {
    problems.push({ path: 'login.base_path', message: 'is not a plain path such as /.oathkeeper' })
  }
  checkProviders(options.providers, problems)
  const hosts = bases.map((origin) => new URL(origin).hostname)
  const cookieName = checkCookie(options.cookie, { secure, hosts }, problems)
  const returnTargets = createReturnTargets({ origins: [...bases, ...allowed], basePath: options.basePath })
  const base = problems.length === 0 ? bases[0] : undefined
  for (const [key, value] of [
    ['after_login', options.afterLogin],
    ['after_logout', options.afterLogout],
  ] as const) {
    if (base === undefined || returnTargets.judge(value, base) !== undefined) continue
    problems.push({ path: `login.${key}`, message: 'is neither a path nor a URL of an allowed origin' })
  }
  if (problems.length > 0) throw new ProblemsError(problems)

  const target = (value: string) => (baseUrl: string) =>
    returnTargets.judge(value, baseUrl) ?? returnTargets.root(baseUrl)
  return {
    baseUrls: createBaseUrls(bases),
    basePath: options.basePath,
    providerIds: options.providers.map(({ id }) => id),
    stateTtlMs: options.stateTtlMs,
    returnTargets,
    secure,
    cookieName,
    cookie: options.cookie,
    rememberMe: options.rememberMe,
    afterLogin: target(options.afterLogin),
    afterLogout: target(options.afterLogout),
    leavesAfterLogout: options.afterLogout !== '/',
  }
}

function checkOrigins(values: readonly string[], path: string, problems: Problem[]): string[] {
  const origins: string[] = []
  for (const [index, value] of values.entries()) {
    const at = values.length === 1 && path === 'login.base_url' ? path : `${path}[${index}]`
    const url = URL.parse(value)
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
      problems.push({ path: at, message: 'is not an http or https URL' })
    } else if (url.href !== `${url.origin}/`) {
      problems.push({ path: at, message: 'is more than an origin: scheme, host and port only' })
    } else origins.push(url.origin)
  }
  return origins
}

function createBaseUrls(all: readonly string[]): BaseUrls {
  const [first = ''] = all
  // Browsers leave the default port out; other clients and some gateways do not.
  const byHost = new Map<string, string>()
  for (const origin of all) {
    const { host, hostname, protocol, port } = new URL(origin)
    byHost.set(host, origin)
    if (port === '') byHost.set(`${hostname}:${protocol === 'https:' ? 443 : 80}`, origin)
  }
  const find = (host: string) => byHost.get(host.toLowerCase())
  return { all, find, of: (host) => find(host) ?? first }
}
