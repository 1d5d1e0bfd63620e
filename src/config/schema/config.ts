import { z } from 'zod'
import { accessRulesSchema } from './access-rules.ts'
import { type HandlerSchema, handlerTableSchema } from './handlers.ts'
import { logSchema } from './log.ts'
import { loginSchema } from './login.ts'
import { serveSchema } from './serve.ts'
import { sessionStoreSchema } from './session-store.ts'
import { sessionSchema } from './session.ts'
import { templatesSchema } from './templates.ts'
import { tracingSchema } from './tracing.ts'

const SEMVER = /^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/

/**
 * The whole key tree: Oathkeeper's, and ours. One source for types, validation, defaults, the reference and the published
 * JSON Schema.
 */
export function createConfigSchema(handlers: readonly HandlerSchema[]) {
  return z.strictObject({
    serve: serveSchema.prefault({}).describe('What listens, and how.'),
    access_rules: accessRulesSchema.prefault({}).describe('Where the rules come from, and how they match.'),
    authenticators: handlerTableSchema('authenticators', handlers).prefault({}).describe('Say who is asking.'),
    authorizers: handlerTableSchema('authorizers', handlers).prefault({}).describe('Say whether that is allowed.'),
    mutators: handlerTableSchema('mutators', handlers).prefault({}).describe('Say what the upstream is told.'),
    errors: z
      .strictObject({
        fallback: z
          .array(z.string())
          .optional()
          .describe('Error handlers that are asked in this order when no handler of the rule answers. Default: `[json]`; with `login`, `[login, json]`.'),
        handlers: handlerTableSchema('errors', handlers).prefault({}).describe('Turn errors into answers.'),
      })
      .prefault({})
      .describe('What is answered when a request is refused.'),
    log: logSchema.prefault({}).describe('What is told on standard error.'),
    templates: templatesSchema.prefault({}).describe('What templates in rules may reach.'),
    tracing: tracingSchema.prefault({}).describe('Distributed tracing.'),
    profiling: z
      .enum(['cpu', 'mem', ''])
      .optional()
      .describe('Takes a profile of processor time or memory, and writes it to a temporary file at the end.'),
    version: z
      .string()
      .regex(SEMVER, 'must be a version such as v0.40.0')
      .optional()
      .describe('Version of Oathkeeper that the file was written for.'),
    login: loginSchema.optional().describe('Signing people in. Without this section everything is as in Oathkeeper.'),
    session: sessionSchema.prefault({}).describe('How long sessions live, and their cookie.'),
    session_store: sessionStoreSchema.prefault({}).describe('Where sessions are kept.'),
  })
}

export type ConfigSchema = ReturnType<typeof createConfigSchema>
export type ConfigWire = z.output<ConfigSchema>
