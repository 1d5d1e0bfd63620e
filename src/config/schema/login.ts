import { z } from 'zod'
import { providerSchema } from './provider.ts'
import { duration, origin } from './scalars.ts'

const BASE_PATH = /^(\/[A-Za-z0-9._~-]+)+$/

const target = () =>
  z.string().refine((text) => isPath(text) || isWebUrl(text), 'must be a path such as / or an http(s) URL')

/** `login`: signing people in at OpenID Connect providers. */
export const loginSchema = z
  .strictObject({
    base_url: z
      .union([origin(), z.array(origin()).min(1, 'must name at least one origin')])
      .describe('Public origin (scheme, host, port) that browsers see; a list where several hosts are served.'),
    base_path: z
      .string()
      .regex(BASE_PATH, 'must be a path such as /.oathkeeper: no slash at its end, nothing to encode')
      .refine((path) => !/\/\.{1,2}(\/|$)/.test(path), 'must not hold . or .. as a segment')
      .default('/.oathkeeper')
      .describe('Prefix of the login routes, which are served before any rule.'),
    providers: z
      .array(providerSchema)
      .min(1, 'must name at least one provider')
      .superRefine(refuseDoubleIds)
      .describe('OpenID Connect providers; the first is the default.'),
    state_ttl: duration({ min: '10s', max: '24h' }).prefault('10m').describe('Lifetime of one login attempt.'),
    timeout: duration({ min: '1ms', max: '5m' }).prefault('10s').describe('Deadline of each call to a provider.'),
    allowed_return_origins: z
      .array(origin())
      .default([])
      .describe('Origins other than `base_url` to which `return_to` may lead.'),
    after_login: target().default('/').describe('Where a login without a target leads to.'),
    after_logout: target().default('/').describe('Where a logout without a target leads to.'),
  })
  .transform((wire) => ({
    /** Origins that browsers see, the first one first; never empty. */
    baseUrls: [...new Set([wire.base_url].flat())],
    basePath: wire.base_path,
    providers: wire.providers,
    stateTtlMs: wire.state_ttl,
    timeoutMs: wire.timeout,
    allowedReturnOrigins: wire.allowed_return_origins,
    afterLogin: wire.after_login,
    afterLogout: wire.after_logout,
  }))

export type LoginConfig = z.output<typeof loginSchema>

function refuseDoubleIds(providers: readonly { readonly id: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>()
  for (const [index, { id }] of providers.entries()) {
    if (seen.has(id)) {
      context.addIssue({ code: 'custom', path: [index, 'id'], message: `"${id}" is the id of another provider already` })
    }
    seen.add(id)
  }
}

/** A path on our own origin: `//host` and `/\host` would leave it. */
function isPath(text: string): boolean {
  return /^\/(?![/\\])[\u0021-\u005b\u005d-\u007e]*$/.test(text)
}

function isWebUrl(text: string): boolean {
  return /^https?:\/\/[^/?#@\\\s]+([/?#][\u0021-\u005b\u005d-\u007e]*)?$/i.test(text) && URL.canParse(text)
}
