import type { Problem } from '../kernel/problem.ts'
import type { CookieOptions } from './options.ts'

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/
const DOMAIN = /^\.?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/
const PATH = /^\/[\x21-\x3a\x3c-\x7e]*$/

interface Site {
  readonly secure: boolean
  readonly hosts: readonly string[]
}

/** Gives the cookie's name, and finds what would make browsers drop the cookie: people would log in in circles. */
export function checkCookie(cookie: CookieOptions, { secure, hosts }: Site, problems: Problem[]): string {
  const { domain, path, sameSite } = cookie
  const report = (key: string, message: string) => {
    problems.push({ path: `session.cookie.${key}`, message })
  }
  const canBeHost = secure && domain === undefined && path === '/'
  const name = cookie.name ?? (canBeHost ? '__Host-oathkeeper' : 'oathkeeper')
  const lower = name.toLowerCase()
  if (!NAME.test(name)) report('name', 'is not a cookie name of at most 128 characters')
  if (lower.startsWith('__host-') && !canBeHost) {
    report('name', '__Host- needs https, the path / and no domain')
  }
  if (lower.startsWith('__secure-') && !secure) report('name', '__Secure- needs https')
  if (sameSite === 'none' && !secure) report('same_site', 'none needs https')
  if (!PATH.test(path)) report('path', 'is not a path')
  if (domain === undefined) return name
  if (!DOMAIN.test(domain)) report('domain', 'is not a domain')
  for (const host of hosts) {
    if (DOMAIN.test(domain) && !isWithinDomain(host, domain))
      report('domain', `does not hold ${host}, a host of login.base_url`)
  }
  return name
}

/** Whether a browser sends a cookie of this `Domain` to the host. */
export function isWithinDomain(host: string, domain: string): boolean {
  const bare = domain.replace(/^\./, '')
  return host === bare || host.endsWith(`.${bare}`)
}
