import type { z } from 'zod'
import type { GateError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'

export type HandlerKind = 'authenticators' | 'authorizers' | 'mutators' | 'errors'

/**
 * Says who is asking: sets `subject` and `extra` and answers true, answers false when the credentials are not its kind
 * ("not responsible": the next authenticator is asked), throws to end the request.
 * Local work answers at once; only a promise is awaited.
 */
export interface AuthenticateStep {
  (exchange: Exchange): boolean | Promise<boolean>
  /** Names of headers that this step sets for the upstream: as those of mutators, the client's own are removed. */
  readonly ownedHeaders?: readonly string[]
}

/** Returns to allow, throws to refuse. */
export interface AuthorizeStep {
  (exchange: Exchange): void | Promise<void>
  /** Names of headers that this step sets for the upstream: as those of mutators, the client's own are removed. */
  readonly ownedHeaders?: readonly string[]
}

/** Sets headers for the upstream, or throws. */
export interface MutateStep {
  readonly run: (exchange: Exchange) => void | Promise<void>
  /** Names that this step sets: the client's own headers of these names are removed, in every spelling, before it runs. */
  readonly ownedHeaders: readonly string[]
  /** It tells a service what the client sent: `clientHeaders` of the exchange are kept for it. */
  readonly needsClientHeaders?: boolean
}

/** Turns an error into an answer. */
export interface ErrorStep {
  /**
   * Whether its `when`, and what else it needs, holds for this request and error. Cheap and free of side effects.
   * Throws where Oathkeeper answers 500 because the handler itself is wrong.
   */
  readonly matches: (failure: Failure) => boolean
  /** `exclusive`: its match ends the search (`login`). `sole`: a second match in the rule's list is 500, as in Oathkeeper. */
  readonly precedence: 'exclusive' | 'sole'
  readonly respond: (failure: Failure) => Reply | Promise<Reply>
  /** Headers it adds to the 401 of another handler when it does not match itself, such as `Link; rel="login"`. */
  readonly hints?: (failure: Failure) => readonly (readonly [name: string, value: string])[]
}

/** A request that failed. `exchange` has an empty `ruleId` when no rule matched. */
export interface Failure {
  readonly error: GateError
  readonly exchange: Exchange
}

interface Definition<Schema extends z.ZodType, Deps, Step> {
  /** The handler's id in Oathkeeper's configuration, such as `cookie_session`. */
  readonly type: string
  /** `undefined`: it takes no configuration, and what is given is ignored, as in Oathkeeper (`noop`, `allow`, …). */
  readonly schema: Schema | undefined
  /**
   * Everything that depends on configuration happens here, at load. `config` is the schema's output of defaults, global
   * and rule configuration merged. A step may be shared by all rules that use the handler with the same configuration.
   * @throws {HandlerConfigError} that says what is wrong and where.
   */
  compile(config: z.output<Schema>, deps: Deps, context: CompileContext): Step
}

export interface CompileContext {
  readonly matchingStrategy: 'regexp' | 'glob'
}

/** A handler's configuration that its schema accepts and that is wrong all the same, such as a template. */
export class HandlerConfigError extends Error {
  override readonly name = 'HandlerConfigError'
  /** Keys that lead to it inside the handler's `config`. */
  readonly path: readonly (string | number)[]

  constructor(path: readonly (string | number)[], message: string) {
    super(message)
    this.path = path
  }
}

export interface AuthenticatorDefinition<Schema extends z.ZodType, Deps> extends Definition<
  Schema,
  Deps,
  AuthenticateStep
> {
  readonly kind: 'authenticators'
}
export interface AuthorizerDefinition<Schema extends z.ZodType, Deps> extends Definition<Schema, Deps, AuthorizeStep> {
  readonly kind: 'authorizers'
}
export interface MutatorDefinition<Schema extends z.ZodType, Deps> extends Definition<Schema, Deps, MutateStep> {
  readonly kind: 'mutators'
}
export interface ErrorHandlerDefinition<Schema extends z.ZodType, Deps> extends Definition<Schema, Deps, ErrorStep> {
  readonly kind: 'errors'
}
