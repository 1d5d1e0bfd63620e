import type { Config } from '../config/config.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { type Problem, ProblemsError } from '../kernel/problem.ts'
import { compileCors, type Cors } from '../http/cors.ts'
import { BUILTIN_HANDLERS } from '../pipeline/builtin.ts'
import type { Fallback } from '../pipeline/plan.ts'
import { createRegistry, type Registry } from '../pipeline/registry.ts'
import type {
  LoginStates,
  ProviderLogouts,
  RefreshTokens,
  SessionManager,
  UserinfoSource,
} from '../sessions/contract.ts'
import type { TakeForkSession } from '../sessions/fork-session.ts'
import { createTemplateCompiler } from '../template/compile-template.ts'
import type { TemplateReach } from './template-reach.ts'
import type { HandlerServices } from './services.ts'
import { createSignIn, type SignIn } from './sign-in.ts'

export interface GenerationDeps {
  readonly sessions: SessionManager
  readonly states: LoginStates
  readonly logouts: ProviderLogouts
  readonly takeForkSession?: TakeForkSession | undefined
  /** Live as long as the process. */
  readonly services: HandlerServices
  readonly templateReach: TemplateReach
  readonly clock: Clock
  readonly logger: Logger
}

/** Everything that is compiled of one configuration and swapped with it. */
export interface Generation {
  readonly config: Config
  readonly signIn: SignIn
  /** Cross-origin requests, by listener. */
  readonly cors: Readonly<Record<'proxy' | 'api', Cors | undefined>>
  readonly registry: Registry
  readonly fallback: Fallback
  /** What is wrong with handlers that the fallback list names, by file and line. */
  readonly problems: readonly Problem[]
}

/**
 * Compiles a configuration beside the one in force.
 * @throws {ProblemsError} with what the areas found wrong in it, by file and line.
 */
export function compileGeneration({ config, locate }: LoadedConfig, deps: GenerationDeps): Generation {
  const signIn = placing(locate, () => createSignIn(config, deps))
  const registry = createRegistry({
    definitions: BUILTIN_HANDLERS,
    settings: config,
    matchingStrategy: config.accessRules.matchingStrategy,
    deps: {
      templates: createTemplateCompiler({ clock: deps.clock, environment: deps.templateReach.of(config.templates) }),
      sessions: signIn.reader,
      login: signIn.login?.entry,
      ruleLogin: signIn.ruleLogin,
      ...deps.services,
      clock: deps.clock,
      logger: deps.logger,
    },
  })
  const { fallback, problems } = registry.compileFallback()
  return {
    config,
    signIn,
    cors: { proxy: compileCors(config.serve.proxy.cors), api: compileCors(config.serve.api.cors) },
    registry,
    fallback,
    problems: problems.map((problem) => place(locate, problem)),
  }
}

/** Renews tokens and claims by the login in force: what the session manager gets once, whatever is reloaded. */
export function renewByCurrent(current: () => Generation): [RefreshTokens, UserinfoSource] {
  const refresh: RefreshTokens = (...args) => current().signIn.refresh(...args)
  const userinfo: UserinfoSource = {
    isRead: (provider) => current().signIn.userinfo.isRead(provider),
    read: (session) => current().signIn.userinfo.read(session),
  }
  return [refresh, userinfo]
}

/** Adds file and line to what an area says of a key. */
function place(locate: LoadedConfig['locate'], problem: Problem): Problem {
  return problem.source === undefined ? { ...locate(problem.path), ...problem } : problem
}

function placing<Result>(locate: LoadedConfig['locate'], run: () => Result): Result {
  try {
    return run()
  } catch (cause: unknown) {
    if (!(cause instanceof ProblemsError)) throw cause
    throw new ProblemsError(cause.problems.map((problem) => place(locate, problem)))
  }
}
