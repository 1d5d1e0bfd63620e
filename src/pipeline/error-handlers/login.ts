import { z } from 'zod'
import { type Failure, HandlerConfigError } from '../../kernel/handlers.ts'
import type { Reply } from '../../kernel/reply.ts'
import type { RequestView } from '../../kernel/request.ts'
import { readAccept } from '../../lib/accept.ts'
import { defineErrorHandler } from '../define.ts'
import type { LoginEntry, SessionReader } from '../deps.ts'
import { compileWhen, whenSchema } from './when.ts'

const schema = z.strictObject({
  provider: z.string().optional().describe('Id of the provider to log in at. Default: the first.'),
  status: z
    .union([z.literal(302), z.literal(401)])
    .default(302)
    .describe('401 keeps the `Location` and suits gateways whose sub-request may not redirect, such as nginx.'),
  when: whenSchema,
})

interface Deps {
  readonly login: LoginEntry | undefined
  readonly sessions: SessionReader | undefined
}

type Header = readonly [name: string, value: string]

/** A scheme that no browser knows, so that none opens its password prompt. */
const CHALLENGE = 'Login realm="oathkeeper"'

/**
 * Sends a browser that wants a page to the login and back; while the session store cannot be asked, it is shown a page that
 * waits. Everything else (scripts, images, API clients, forms) goes to the next handler, whose 401 then says where the login is.
 */
export const login = defineErrorHandler({
  type: 'login',
  schema,
  compile: ({ provider, status, when }, { login: entry, sessions }: Deps) => {
    if (entry === undefined || sessions === undefined) {
      throw new HandlerConfigError([], 'needs the section "login" with a provider')
    }
    if (provider !== undefined && !entry.providerIds.includes(provider)) {
      const known = entry.providerIds.join(', ')
      throw new HandlerConfigError(
        ['provider'],
        `"${provider}" is not the id of a provider in login.providers: ${known}`,
      )
    }
    const holds = compileWhen(when)
    const isMine = (failure: Failure): boolean => failure.error.status === 401 && holds(failure)
    const hasToWait = (failure: Failure): boolean => isOutage(failure) && holds(failure)
    // Who has a session logs in again where it came from: what is lacking means something to that provider only.
    const beginUrl = ({ error: { stepUp }, exchange: { request, wantedLogin, sessionEnd } }: Failure): string =>
      stepUp !== undefined && entry.providerIds.includes(stepUp.provider)
        ? entry.beginUrl(request, stepUp.provider, stepUp)
        : entry.beginUrl(request, provider, stepUp ?? wantedLogin, sessionEnd)
    return {
      precedence: 'exclusive',
      matches: (failure) => isNavigation(failure.exchange.request) && (isMine(failure) || hasToWait(failure)),
      respond: (failure): Reply => {
        const { exchange, error } = failure
        if (isOutage(failure)) return entry.waitingPage(exchange.request, error)
        const headers: Header[] = [
          ['Location', beginUrl(failure)],
          ['Cache-Control', 'no-store'],
        ]
        // What opens no session must not stay in the browser beside the login that begins (CVE-2026-34454).
        if (exchange.hasStaleTicket) headers.push(['Set-Cookie', sessions.clearCookie])
        if (status === 401) headers.push(challenge(failure))
        return { status, headers, body: '' }
      },
      hints: (failure) => {
        if (!isMine(failure)) return []
        return [challenge(failure), ['Link', `<${beginUrl(failure)}>; rel="login"`]]
      },
    }
  },
})

function challenge({ exchange: { sessionEnd } }: Failure): Header {
  const why = sessionEnd === undefined ? '' : `, error="session_ended", error_description="${sessionEnd}"`
  return ['WWW-Authenticate', CHALLENGE + why]
}

function isOutage({ error }: Failure): boolean {
  return error.code === 'ERR_SESSION_STORE_UNAVAILABLE'
}

/**
 * Whether a person's browser goes to the page, so that a redirect leads somewhere. A request ahead of need (prefetch) is
 * none: it would begin a login that nobody asked for.
 */
function isNavigation({ method, headers }: RequestView): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false
  if (headers.get('sec-purpose')?.includes('prefetch')) return false
  const mode = headers.get('sec-fetch-mode')
  return mode === undefined || mode === '' ? prefersHtml(headers.getAll('accept')) : mode === 'navigate'
}

/** `text/html` by name, and nothing that a script would ask for ranked above it. */
function prefersHtml(lines: readonly string[]): boolean {
  let html = 0
  let json = 0
  for (const { type, quality } of readAccept(lines)) {
    const lower = type.toLowerCase()
    if (lower === 'text/html' || lower === 'application/xhtml+xml') html = Math.max(html, quality)
    if (lower === 'application/json' || lower.endsWith('+json')) json = Math.max(json, quality)
  }
  return html > 0 && html >= json
}
