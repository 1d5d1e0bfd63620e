/** One handler in the global configuration. */
export interface HandlerSettings {
  readonly enabled: boolean
  readonly config?: Readonly<Record<string, unknown>> | undefined
}

type SettingsById = Readonly<Record<string, HandlerSettings | undefined>>

/** The part of the configuration that the registry reads. */
export interface PipelineSettings {
  readonly authenticators: SettingsById
  readonly authorizers: SettingsById
  readonly mutators: SettingsById
  readonly errors: {
    readonly handlers: SettingsById
    /** Ids of error handlers, in order. */
    readonly fallback: readonly string[]
  }
}
