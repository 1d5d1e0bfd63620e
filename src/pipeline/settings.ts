import type { HandlerKind } from '../kernel/handlers.ts'

/** One handler in the global configuration. */
export interface HandlerSettings {
  readonly enabled: boolean
  readonly config?: Readonly<Record<string, unknown>> | undefined
}

/** The part of the configuration that the registry reads. */
export interface PipelineSettings {
  /** By kind and id. One that is not here is disabled. */
  readonly handlers: Readonly<Record<HandlerKind, Readonly<Record<string, HandlerSettings>>>>
  /** `errors.fallback`: ids of error handlers, in order. */
  readonly errorFallback: readonly string[]
}
