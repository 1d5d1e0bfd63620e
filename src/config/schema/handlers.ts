import { z } from 'zod'
import type { HandlerKind } from '../../kernel/handlers.ts'

/** What the configuration needs to know of a handler; every handler definition is one. */
export interface HandlerSchema {
  readonly kind: HandlerKind
  readonly type: string
  /** `undefined`: the handler takes no configuration. */
  readonly schema: z.ZodType | undefined
}

/** A handler's switch and its global configuration, which rules lay theirs on. */
export interface HandlerSettings {
  readonly enabled: boolean
  /** As written, checked with the handler's schema when it is enabled; without its defaults. */
  readonly config: Readonly<Record<string, unknown>> | undefined
}

export type HandlerTable = Readonly<Record<string, HandlerSettings>>

/** How a handler is wrapped: whether it has a `config`, wants one when it is enabled, and minds further keys. */
type Wrapping = 'switch' | 'strict' | 'loose' | 'loose-with-config'

/** Handlers of Oathkeeper, wrapped as its own schema does it, and those that the section `login` switches on. */
const WRAPPINGS: Readonly<Record<HandlerKind, Readonly<Record<string, Wrapping>>>> = {
  authenticators: {
    noop: 'switch',
    unauthorized: 'switch',
    anonymous: 'strict',
    session: 'strict',
    cookie_session: 'loose-with-config',
    bearer_token: 'loose-with-config',
    jwt: 'loose-with-config',
    oauth2_client_credentials: 'loose-with-config',
    oauth2_introspection: 'loose-with-config',
    callback: 'loose-with-config',
    session_jwt: 'loose-with-config',
    logout: 'loose',
  },
  authorizers: {
    allow: 'switch',
    deny: 'switch',
    keto_engine_acp_ory: 'loose-with-config',
    remote: 'loose-with-config',
    remote_json: 'loose-with-config',
  },
  mutators: {
    noop: 'switch',
    cookie: 'loose-with-config',
    header: 'loose-with-config',
    hydrator: 'loose-with-config',
    id_token: 'loose-with-config',
  },
  errors: { json: 'loose', redirect: 'loose-with-config', www_authenticate: 'loose', login: 'strict' },
}

/** The schema of each envelope's `config`, for the published JSON Schema; validation takes it only when enabled. */
const CONFIG_SCHEMAS = new WeakMap<z.core.$ZodType, z.ZodType>()

/** The schema of the `config` of an envelope that `handlerTableSchema` made. */
export function configSchemaOf(envelope: z.core.$ZodType): z.ZodType | undefined {
  return CONFIG_SCHEMAS.get(envelope)
}

/** `authenticators`, `authorizers`, `mutators` or `errors.handlers`: an envelope for each handler that exists. */
export function handlerTableSchema(kind: HandlerKind, handlers: readonly HandlerSchema[]) {
  const wrappings = new Map(Object.entries(WRAPPINGS[kind]))
  const schemas = new Map<string, z.ZodType>()
  for (const handler of handlers) {
    if (handler.kind !== kind) continue
    if (!wrappings.has(handler.type)) wrappings.set(handler.type, handler.schema === undefined ? 'switch' : 'strict')
    if (handler.schema !== undefined) schemas.set(handler.type, handler.schema)
  }
  const shape: Record<string, z.ZodType<HandlerSettings | undefined>> = {}
  for (const [type, wrapping] of wrappings) {
    const isJson = kind === 'errors' && type === 'json'
    const schema = envelope(wrapping, schemas.get(type) ?? z.record(z.string(), z.unknown()), isJson)
    // `json` is the one handler that Oathkeeper enables unasked.
    shape[type] = isJson ? schema.prefault({}) : schema.optional()
  }
  return z.strictObject(shape).transform((table): HandlerTable => {
    const entries = Object.entries(table).filter((entry): entry is [string, HandlerSettings] => entry[1] !== undefined)
    return Object.fromEntries(entries)
  })
}

function envelope(wrapping: Wrapping, configSchema: z.ZodType, enabledUnasked: boolean) {
  const enabled = z.boolean().default(enabledUnasked).describe('Whether rules may use the handler.')
  if (wrapping === 'switch') {
    return z.strictObject({ enabled }).transform((wire): HandlerSettings => ({ ...wire, config: undefined }))
  }
  const shape = { enabled, config: z.unknown().optional() }
  const object = wrapping === 'strict' ? z.strictObject(shape) : z.looseObject(shape)
  CONFIG_SCHEMAS.set(object, configSchema)
  return object.transform((wire, context): HandlerSettings => {
    if (wire.enabled) checkConfig(wire.config, wrapping, configSchema, context)
    return { enabled: wire.enabled, config: asRecord(wire.config) }
  })
}

function checkConfig(config: unknown, wrapping: Wrapping, schema: z.ZodType, context: z.RefinementCtx): void {
  if (config === undefined && wrapping === 'loose-with-config') {
    context.addIssue({ code: 'custom', path: ['config'], message: 'is required when the handler is enabled' })
    return
  }
  const { error } = schema.safeParse(config === undefined ? {} : config, { reportInput: true })
  for (const issue of error?.issues ?? []) {
    context.issues.push({ ...issue, path: ['config', ...issue.path] } as z.core.$ZodRawIssue)
  }
}

/** With `enabled: false` the content is not checked at all, as in Oathkeeper; what is no object counts for nothing. */
function asRecord(config: unknown): Readonly<Record<string, unknown>> | undefined {
  const { data } = z.record(z.string(), z.unknown()).safeParse(config)
  return data
}
