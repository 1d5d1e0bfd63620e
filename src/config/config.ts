import type { HandlerKind } from '../kernel/handlers.ts'
import type { AccessRulesConfig } from './schema/access-rules.ts'
import type { HandlerTable } from './schema/handlers.ts'
import type { LogConfig } from './schema/log.ts'
import type { LoginConfig } from './schema/login.ts'
import type { ServeConfig } from './schema/serve.ts'
import type { SessionStoreConfig } from './schema/session-store.ts'
import type { SessionConfig } from './schema/session.ts'
import type { TemplatesConfig } from './schema/templates.ts'
import type { TracingConfig } from './schema/tracing.ts'

/**
 * The configuration as the product works with it: complete, in milliseconds and bytes, secrets wrapped, networks compiled,
 * paths of files absolute.
 */
export interface Config {
  readonly serve: ServeConfig
  readonly accessRules: AccessRulesConfig
  /** The handlers that the configuration names, by kind and type. One that is not here is disabled. */
  readonly handlers: Readonly<Record<HandlerKind, HandlerTable>>
  /** Error handlers that are asked, in this order, when no handler of the rule answers. */
  readonly errorFallback: readonly string[]
  readonly log: LogConfig
  readonly templates: TemplatesConfig
  readonly tracing: TracingConfig
  readonly profiling: 'cpu' | 'mem' | undefined
  /** Version of Oathkeeper that the file was written for. */
  readonly version: string | undefined
  /** `undefined`: nobody logs in here, everything is as in Oathkeeper. */
  readonly login: LoginConfig | undefined
  readonly session: SessionConfig
  readonly sessionStore: SessionStoreConfig
}
