import type { LoadedConfig } from '../config/load.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import { formatProblem } from '../kernel/problem.ts'
import type { CleanupStack } from '../lib/cleanup-stack.ts'
import type { Plan } from '../pipeline/plan.ts'
import { createRuleRepository, type RuleRepository } from '../rules/repository.ts'
import type { ListKeys } from '../admin/jwks.ts'
import { compileGeneration, renewByCurrent } from './generation.ts'
import { createHandlerOutbound } from './handler-outbound.ts'
import { Reloader } from './reloader.ts'
import { ruleSettings } from './rule-settings.ts'
import { createServices } from './services.ts'
import { openSessions, type Sessions } from './sessions.ts'
import { signingKeyLocations } from './signing.ts'
import { TemplateReach } from './template-reach.ts'

/** What decides about requests, whoever asks. */
export interface Core {
  readonly sessions: Sessions
  readonly rules: RuleRepository<Plan>
  /** Holds the configuration in force. */
  readonly reloader: Reloader
  /** Public keys of what signs tokens. */
  readonly keys: ListKeys
}

/**
 * Opens the sessions and compiles configuration and rules.
 * @param undo what closes it all again
 * @throws {ProblemsError} the configuration is refused.
 * @throws {StartError} the store cannot be used.
 */
export async function openCore(
  loaded: LoadedConfig,
  env: NodeJS.ProcessEnv,
  common: { readonly clock: Clock; readonly logger: Logger },
  undo: CleanupStack,
): Promise<Core> {
  const { config } = loaded
  const { logger } = common
  const sessions = undo.adopt(await openSessions(config, common), (opened) => opened.close())
  const outbound = undo.adopt(createHandlerOutbound(), (opened) => opened.close())
  const { signingKeys, handlers } = createServices({ outbound, ...common, readsAhead: true })
  const templateReach = undo.adopt(new TemplateReach({ env, ...common }), (opened) => opened.close())
  await templateReach.follow(config.templates)
  const deps = {
    sessions: sessions.manager,
    states: sessions.states,
    logouts: sessions.logouts,
    takeForkSession: sessions.takeForkSession,
    services: handlers,
    templateReach,
    ...common,
  }
  const first = compileGeneration(loaded, deps)
  for (const problem of first.problems) logger.error({}, `an error handler has a mistake: ${formatProblem(problem)}`)
  const rules = undo.adopt(await createRuleRepository(ruleSettings(first), common), (opened) => opened.close())
  const compile = (changed: LoadedConfig) => compileGeneration(changed, deps)
  const reloader = new Reloader({ first, compile, rules, sessions, templateReach, logger })
  sessions.manager.onRefresh(...renewByCurrent(() => reloader.current))
  undo.defer(async () => {
    await reloader.settled()
    await sessions.settle()
    await reloader.current.signIn.close()
  })
  const keys: ListKeys = () => signingKeys.publicKeys(signingKeyLocations(reloader.current.config, rules.list()))
  return { sessions, rules, reloader, keys }
}
