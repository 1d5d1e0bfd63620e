import { systemClock } from '../kernel/clock.ts'
import { silentLogger } from '../kernel/logger.ts'
import type { Problem } from '../kernel/problem.ts'
import { createRuleRepository } from '../rules/repository.ts'
import { createSessionManager } from '../sessions/manager.ts'
import { MemoryStore } from '../sessions/memory.ts'
import { createProviderLogouts } from '../sessions/provider-logouts.ts'
import { createLoginStates } from '../sessions/states.ts'
import { tlsMaterial } from './area-options.ts'
import { compileGeneration } from './generation.ts'
import { createHandlerOutbound } from './handler-outbound.ts'
import { load } from './load.ts'
import { ruleSettings } from './rule-settings.ts'
import { createServices } from './services.ts'
import { TemplateReach } from './template-reach.ts'
import { signingKeyProblems } from './signing.ts'

export interface ValidateOptions {
  readonly configFiles: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** What a look at configuration and rules finds. */
export interface Validation {
  readonly problems: readonly Problem[]
  /** What works and is probably not meant. */
  readonly warnings: readonly Problem[]
}

/**
 * Everything that is wrong with configuration and rules, by the code that serves. Nothing listens, no store and no provider is
 * asked.
 * @throws {ProblemsError} the configuration itself is refused.
 * @throws {StartError} a TLS key or certificate is unfit.
 */
export async function validateApp({ configFiles, env }: ValidateOptions): Promise<Validation> {
  const loaded = load(configFiles, env)
  const { config } = loaded
  for (const name of ['proxy', 'api', 'grpc'] as const) tlsMaterial(name, config.serve[name].tls)
  const deps = { clock: systemClock, logger: silentLogger }
  // No session is ever looked up here: the configured store need not be there.
  const store = new MemoryStore({ maxSessions: 1, maxStates: 1 }, systemClock)
  const sessions = createSessionManager({ store, ...deps, lifetimes: config.session, refresh: config.session })
  const outbound = createHandlerOutbound()
  const states = createLoginStates(store, systemClock)
  const logouts = createProviderLogouts(sessions, store, systemClock)
  const { signingKeys, handlers: services } = createServices({ outbound, ...deps, readsAhead: false })
  const templateReach = new TemplateReach({ env, ...deps })
  const generation = compileGeneration(loaded, { sessions, states, logouts, services, templateReach, ...deps })
  const rules = await createRuleRepository(ruleSettings(generation), { ...deps, watch: false })
  rules.close()
  await generation.signIn.close()
  await outbound.close()
  return {
    problems: [
      ...generation.problems,
      ...rules.sources().flatMap(({ problems }) => problems),
      ...rules.ruleProblems(),
      ...(await signingKeyProblems(signingKeys, config, rules.list())),
    ],
    warnings: [...loaded.warnings, ...rules.sources().flatMap(({ warnings }) => warnings)],
  }
}
