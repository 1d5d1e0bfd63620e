import type { HeaderList } from '../kernel/headers.ts'
import type { Reply } from '../kernel/reply.ts'
import { cleanPath } from '../lib/go-path.ts'
import { escapeHtml } from '../lib/html.ts'
import { alive, type HealthSources, ready } from './health.ts'
import { jwks, type ListKeys } from './jwks.ts'
import { notFound } from './not-found.ts'
import { getRule, listRules, type ListRules } from './rules.ts'

export interface AdminOptions {
  readonly rules: ListRules
  readonly health: HealthSources
  /** Public keys of what signs tokens; absent when nothing does. */
  readonly keys?: ListKeys
}

/** The part of a request that the routes look at. */
export interface AdminRequest {
  readonly method: string
  /** Path and query as sent, in origin-form. */
  readonly target: string
  readonly headers: HeaderList
}

/** Answers everything on the API listener that is no decision. Never rejects. */
export type AdminRoutes = (request: AdminRequest) => Reply | Promise<Reply>

/** Creates the routes: Oathkeeper's paths, and its page for all others, also for a wrong method. */
export function createAdminRoutes({ rules, health, keys }: AdminOptions): AdminRoutes {
  return ({ method, target, headers }) => {
    const { path, rawQuery } = splitTarget(target)
    if (!isClean(path)) return redirectTo(cleaned(path), rawQuery, method)
    if (method === 'GET' || method === 'HEAD') {
      switch (path) {
        case '/health/alive':
          return alive()
        case '/health/ready':
          return ready(health)
        case '/rules':
          return listRules(rules, rawQuery)
        case '/.well-known/jwks.json':
          return jwks(keys)
      }
      const id = /^\/rules\/([^/]+)$/.exec(path)?.[1]
      if (id !== undefined) return getRule(rules, decodeSegment(id))
    }
    return notFound(headers.getAll('accept'))
  }
}

/** Path and query of an origin-form target. */
export function splitTarget(target: string): { readonly path: string; readonly rawQuery: string } {
  const mark = target.indexOf('?')
  return mark === -1
    ? { path: target, rawQuery: '' }
    : { path: target.slice(0, mark), rawQuery: target.slice(mark + 1) }
}

/** Whether Go's router would take the path as it is: no `//`, `.` or `..` in it. */
export function isClean(path: string): boolean {
  return cleaned(path) === path
}

function cleaned(path: string): string {
  const clean = cleanPath(path)
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean
}

/** The redirect that Go's router gives to the clean path. */
function redirectTo(wanted: string, rawQuery: string, method: string): Reply {
  // A browser takes `/\` for `//`: the redirect must not leave the site.
  const safe = wanted.replaceAll('\\', '%5C')
  const location = rawQuery === '' ? safe : `${safe}?${rawQuery}`
  return {
    status: 307,
    headers: [
      ['Location', location],
      ['Content-Type', 'text/html; charset=utf-8'],
    ],
    body: method === 'GET' ? `<a href="${escapeHtml(location)}">Temporary Redirect</a>.\n\n` : '',
  }
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
