import type { z } from 'zod'
import type {
  AuthenticatorDefinition,
  AuthorizerDefinition,
  ErrorHandlerDefinition,
  MutatorDefinition,
} from '../kernel/handlers.ts'

/** Any handler, as the registry holds it. */
export type HandlerDefinition<Deps> =
  | AuthenticatorDefinition<z.ZodType, Deps>
  | AuthorizerDefinition<z.ZodType, Deps>
  | MutatorDefinition<z.ZodType, Deps>
  | ErrorHandlerDefinition<z.ZodType, Deps>

type WithoutKind<Definition> = Omit<Definition, 'kind'>

/** Defines an authenticator; the types of its configuration and of what it needs follow from its parts. */
export function defineAuthenticator<Schema extends z.ZodType, Deps = unknown>(
  definition: WithoutKind<AuthenticatorDefinition<Schema, Deps>>,
): AuthenticatorDefinition<Schema, Deps> {
  return { kind: 'authenticators', ...definition }
}

/** Defines an authorizer. */
export function defineAuthorizer<Schema extends z.ZodType, Deps = unknown>(
  definition: WithoutKind<AuthorizerDefinition<Schema, Deps>>,
): AuthorizerDefinition<Schema, Deps> {
  return { kind: 'authorizers', ...definition }
}

/** Defines a mutator. */
export function defineMutator<Schema extends z.ZodType, Deps = unknown>(
  definition: WithoutKind<MutatorDefinition<Schema, Deps>>,
): MutatorDefinition<Schema, Deps> {
  return { kind: 'mutators', ...definition }
}

/** Defines an error handler. */
export function defineErrorHandler<Schema extends z.ZodType, Deps = unknown>(
  definition: WithoutKind<ErrorHandlerDefinition<Schema, Deps>>,
): ErrorHandlerDefinition<Schema, Deps> {
  return { kind: 'errors', ...definition }
}
