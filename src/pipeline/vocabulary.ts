import type { HandlerKind } from '../kernel/handlers.ts'

/** Oathkeeper's words for a kind of handler, in keys, in messages and in the log. */
export interface KindWords {
  /** Key of the global configuration under which the handlers of the kind are. */
  readonly settingsKey: string
  /** In the middle of a sentence. */
  readonly noun: string
  /** At the beginning of a sentence. */
  readonly title: string
  readonly step: 'authentication' | 'authorization' | 'mutation'
}

export const KIND_WORDS: Readonly<Record<HandlerKind, KindWords>> = {
  authenticators: {
    settingsKey: 'authenticators',
    noun: 'authenticator',
    title: 'Authenticator',
    step: 'authentication',
  },
  authorizers: { settingsKey: 'authorizers', noun: 'authorizer', title: 'Authorizer', step: 'authorization' },
  mutators: { settingsKey: 'mutators', noun: 'mutator', title: 'Mutator', step: 'mutation' },
  errors: { settingsKey: 'errors.handlers', noun: 'error handler', title: 'Error handler', step: 'mutation' },
}
