import { z } from 'zod'
import { uniqueList } from './scalars.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'TRACE', 'PATCH'] as const

/** `serve.<listener>.cors`, as Oathkeeper has it. */
export const corsSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Answers preflight requests and adds CORS headers.'),
    allowed_origins: uniqueList(z.string().min(1))
      .default(['*'])
      .describe('Origins that may ask. `*` alone: every origin; `https://*.example.com`: the hosts of a domain that one owner can register.'),
    allowed_methods: uniqueList(z.enum(METHODS))
      .default(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .describe('Methods that a cross-origin request may use.'),
    allowed_headers: uniqueList(z.string())
      .default(['Authorization', 'Content-Type'])
      .describe('Request headers that a cross-origin request may carry.'),
    exposed_headers: uniqueList(z.string()).default(['Content-Type']).describe('Response headers that a script may read.'),
    allow_credentials: z.boolean().default(false).describe('Allows cookies and authorization with cross-origin requests.'),
    max_age: z.int().default(0).describe('Seconds for which a browser may keep the answer to a preflight; 0: not told.'),
    debug: z.boolean().default(false).describe('Accepted for compatibility.'),
  })
  .transform((wire) => ({
    enabled: wire.enabled,
    allowedOrigins: wire.allowed_origins,
    allowedMethods: wire.allowed_methods,
    allowedHeaders: wire.allowed_headers,
    exposedHeaders: wire.exposed_headers,
    allowCredentials: wire.allow_credentials,
    maxAgeSeconds: wire.max_age,
  }))

export type CorsConfig = z.output<typeof corsSchema>
