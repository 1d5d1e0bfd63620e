import { z } from 'zod'
import { idleTimeout, lifetime, rememberMeSchema } from './lifetimes.ts'
import { duration, TOKEN } from './scalars.ts'

const DOMAIN = /^\.?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i
/** No control character, no space, no semicolon: it would end the attribute (CVE-2024-47764). */
const PATH = /^\/[\u0021-\u003a\u003c-\u007e]*$/

const cookieSchema = z
  .strictObject({
    name: z
      .string()
      .regex(TOKEN, 'must be the name of a cookie: letters, digits and !#$%&\'*+-.^_`|~')
      .max(64, 'must be at most 64 characters long')
      .optional()
      .describe('Name of the session cookie. Default: `__Host-oathkeeper` on https without a domain, else `oathkeeper`; `IG_SESSION_ID` without the section `login`.'),
    domain: z
      .string()
      .regex(DOMAIN, 'must be a domain name such as example.com')
      .transform((domain) => domain.replace(/^\./, '').toLowerCase())
      .optional()
      .describe('Domain that the cookie is sent to, with all hosts below it. Default: the one host that set it.'),
    path: z
      .string()
      .regex(PATH, 'must be a path such as /: no spaces, no semicolon')
      .default('/')
      .describe('Path below which the cookie is sent.'),
    same_site: z
      .enum(['lax', 'strict', 'none'])
      .default('lax')
      .describe('When the cookie is sent with requests from other sites. `none` needs https.'),
    persistent: z
      .boolean()
      .default(false)
      .describe('`true`: the cookie lives as long as the session; `false`: until the browser is closed.'),
  })
  .transform((wire) => ({
    name: wire.name,
    domain: wire.domain,
    path: wire.path,
    sameSite: wire.same_site,
    persistent: wire.persistent,
  }))

/** `session`: how long sessions live, and their cookie. */
export const sessionSchema = z
  .strictObject({
    lifetime: lifetime()
      .optional()
      .describe('From login to the end, whatever is done. Default: `session_store.redis.ttl` with Redis, else `24h`.'),
    idle_timeout: idleTimeout()
      .prefault('off')
      .describe('Ends a session that is not used for that long.'),
    remember_me: rememberMeSchema.prefault({}).describe('Sessions of people who asked to stay signed in.'),
    cookie: cookieSchema.prefault({}).describe('The session cookie.'),
    subject_from: z
      .string()
      .min(1, 'must not be empty')
      .default('sub')
      .describe('Path (gjson) of the subject in the claims.'),
    refresh: z
      .strictObject({
        before: duration()
          .prefault('60s')
          .describe('How long before its expiry the access token is refreshed, when there is a refresh token.'),
        userinfo: z
          .union([z.literal('off'), duration({ min: '10s', max: '1d' })])
          .prefault('off')
          .describe('How often the claims of UserInfo, and with them groups, are read again while a session is used, for providers with `userinfo: true`. `off`: with each refresh of the tokens alone.'),
      })
      .prefault({})
      .describe('Renewing tokens and claims.'),
    on_refresh_failure: z
      .enum(['keep', 'end'])
      .default('keep')
      .describe('When the provider cannot be asked: `keep` the session until its lifetime, or `end` it with its access token. A refused refresh token ends it in any case.'),
  })
  .transform((wire) => ({
    lifetimeMs: wire.lifetime,
    idleTimeoutMs: wire.idle_timeout === 'off' ? undefined : wire.idle_timeout,
    rememberMe: wire.remember_me,
    cookie: wire.cookie,
    subjectFrom: wire.subject_from,
    refreshBeforeMs: wire.refresh.before,
    userinfoEveryMs: wire.refresh.userinfo === 'off' ? undefined : wire.refresh.userinfo,
    onRefreshFailure: wire.on_refresh_failure,
  }))

/** As written; what follows from other sections is not filled in yet. */
export type SessionWire = z.output<typeof sessionSchema>

export type SessionConfig = Omit<SessionWire, 'lifetimeMs' | 'cookie'> & {
  readonly lifetimeMs: number
  readonly cookie: CookieConfig
}

export type CookieConfig = Omit<SessionWire['cookie'], 'name'> & {
  readonly name: string
  /** Whether the cookie is sent over https only: wherever people come by https. */
  readonly secure: boolean
}
