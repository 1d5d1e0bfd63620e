import type { StepName } from '../kernel/exchange.ts'
import type { UpstreamTarget } from '../kernel/gate.ts'
import type { AuthenticateStep, AuthorizeStep, MutateStep } from '../kernel/handlers.ts'
import type { NamedErrorStep } from './answer.ts'
import type { HeaderFilter } from './owned-headers.ts'

/** A rule, compiled: everything that a request needs and nothing that it would have to look up. */
export interface Plan {
  readonly ruleId: string
  readonly authenticators: readonly NamedStep<AuthenticateStep>[]
  readonly authorizer: NamedStep<AuthorizeStep>
  readonly mutators: readonly NamedStep<MutateStep['run']>[]
  /** Removes the client's own headers of the names that the rule's handlers set. */
  readonly ownedHeaders: HeaderFilter | undefined
  /** A mutator needs what that removes. */
  readonly keepsClientHeaders: boolean
  readonly errors: readonly NamedErrorStep[]
  readonly upstream: UpstreamTarget | undefined
  /**
   * Ends every request that got as far as a grant, because something in the rule is wrong. A rule with a mistake in it may
   * refuse, and never lets anybody in (ASVS 16.5.3).
   */
  readonly mistake: NamedStep<AuthorizeStep> | undefined
}

export interface NamedStep<Run> {
  readonly name: StepName
  readonly run: Run
}

/** What answers where a rule names no error handler that is responsible, and where no rule matched. */
export interface Fallback {
  readonly errors: readonly NamedErrorStep[]
}
