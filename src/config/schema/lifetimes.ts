import { z } from 'zod'
import { duration, MAX_LIFETIME_MS } from './scalars.ts'

const MAX_LIFETIME = `${MAX_LIFETIME_MS / 86_400_000}d`

/** How long a session lives at most; gives milliseconds. */
export function lifetime() {
  return duration({ min: '1s', max: MAX_LIFETIME })
}

/** How long a session lives without being used; gives milliseconds, or `off`. */
export function idleTimeout() {
  return z.union([z.literal('off'), lifetime()])
}

/** Where a provider says until when its session lasts. */
const CEILING_PATH = /^(claims|token_response)\.\S+$/

const ceilingPath = z
  .string()
  .regex(CEILING_PATH, 'must be a path (gjson) below claims or token_response, such as claims.session_expiry')

/** `login.providers[].session`: what is different for sessions of one provider. */
export const providerSessionSchema = z
  .strictObject({
    lifetime: lifetime()
      .optional()
      .describe('From login to the end, instead of `session.lifetime`. Also the longest that `session.remember_me` lasts here.'),
    idle_timeout: idleTimeout().optional().describe('Instead of `session.idle_timeout`.'),
    ceiling_from: z
      .union([ceilingPath, z.array(ceilingPath)])
      .transform((paths) => [paths].flat())
      .prefault(['claims.session_expiry'])
      .describe('Where the provider says until when the session may last, at login and at each refresh: a path (gjson) in the claims of the ID token (`claims.…`) or in the answer of the token endpoint (`token_response.…`), or several, of which the earliest counts. A number below 10⁹ is seconds from now, another a time in seconds since 1970. What is not there limits nothing.'),
  })
  .transform((wire) => ({
    lifetimeMs: wire.lifetime,
    idleTimeout: wire.idle_timeout,
    ceilingFrom: wire.ceiling_from,
  }))

/** `session.remember_me`: sessions of people who asked to stay signed in. */
export const rememberMeSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether people may choose to stay signed in, by `remember_me=true` at the login route. Their cookie outlives the browser window.'),
    ask: z
      .boolean()
      .default(false)
      .describe('Whether a page of ours asks before each login that does not say. Without it the application has the links.'),
    lifetime: lifetime().prefault('30d').describe('Instead of `session.lifetime`.'),
    idle_timeout: idleTimeout().prefault('off').describe('Instead of `session.idle_timeout`.'),
  })
  .transform((wire) => ({
    enabled: wire.enabled,
    asks: wire.ask,
    lifetimeMs: wire.lifetime,
    idleTimeout: wire.idle_timeout,
  }))

export type RememberMeConfig = z.output<typeof rememberMeSchema>
