import {
  type AuthenticateStep,
  type AuthorizeStep,
  type CompileContext,
  type ErrorStep,
  HandlerConfigError,
  type HandlerKind,
  type MutateStep,
} from '../kernel/handlers.ts'
import type { Problem } from '../kernel/problem.ts'
import type { HandlerReference, Rule } from '../kernel/rule.ts'
import { deepMerge } from '../lib/deep-merge.ts'
import { compileFallback } from './compile-errors.ts'
import { compileRule } from './compile-rule.ts'
import { type ConfigIssue, formatPath, hasPath, readIssues } from './config-issues.ts'
import type { HandlerDefinition } from './define.ts'
import { disabledFault, type Fault, invalidFault, unknownFault } from './faults.ts'
import type { Fallback, Plan } from './plan.ts'
import type { HandlerSettings, PipelineSettings } from './settings.ts'
import { KIND_WORDS } from './vocabulary.ts'

export interface RegistryOptions<Deps> {
  readonly definitions: readonly HandlerDefinition<Deps>[]
  readonly settings: PipelineSettings
  readonly deps: Deps
  readonly matchingStrategy: CompileContext['matchingStrategy']
}

/** Turns rules into plans, by the handlers that there are and the configuration in force. */
export interface Registry {
  /**
   * Compiles a rule. One with a mistake in it has a plan too, which answers 500 where Oathkeeper does and never grants;
   * paths in `problems` are relative to the rule.
   */
  compileRule(rule: Rule): { readonly plan: Plan; readonly problems: readonly Problem[] }
  /** Compiles `errors.fallback`; paths in `problems` are those of the configuration. */
  compileFallback(): { readonly fallback: Fallback; readonly problems: readonly Problem[] }
}

/** What each kind of handler compiles to. */
export interface StepOf {
  authenticators: AuthenticateStep
  authorizers: AuthorizeStep
  mutators: MutateStep
  errors: ErrorStep
}

/** A handler that a rule or the fallback list names, compiled. A disabled one still has its step, for its `when`. */
export interface Lookup<Step> {
  readonly step: Step | undefined
  readonly fault: Fault | undefined
}

/** Finds and compiles the handler of a reference. `place` is its key, such as `authenticators[0]`. */
export type LookUp = <Kind extends HandlerKind>(
  kind: Kind,
  reference: HandlerReference,
  place: string,
) => Lookup<StepOf[Kind]>

/** Creates the registry for one configuration; a changed configuration has a registry of its own. */
export function createRegistry<Deps>(options: RegistryOptions<Deps>): Registry {
  const lookUp = createLookUp(options)
  return {
    compileRule: (rule) => compileRule(rule, lookUp),
    compileFallback: () => compileFallback(options.settings.errorFallback, lookUp),
  }
}

function createLookUp<Deps>({ definitions, settings, deps, matchingStrategy }: RegistryOptions<Deps>): LookUp {
  const context: CompileContext = { matchingStrategy }
  /** Rules that use a handler with the same configuration share one step. */
  const compiled = new Map<string, unknown>()

  const compile = (definition: HandlerDefinition<Deps>, config: HandlerReference['config']): unknown => {
    const key = JSON.stringify([definition.kind, definition.type, config])
    const known = compiled.get(key)
    if (known !== undefined) return known
    const step = compileStep(definition, config)
    compiled.set(key, step)
    return step
  }

  const compileStep = (definition: HandlerDefinition<Deps>, config: HandlerReference['config']): unknown => {
    if (definition.schema === undefined) return definition.compile(undefined, deps, context)
    const global = settingsOf(settings, definition.kind, definition.type)?.config ?? {}
    const parsed = definition.schema.safeParse(deepMerge(global, config ?? {}))
    if (!parsed.success) throw new InvalidConfig(readIssues(parsed.error))
    try {
      return definition.compile(parsed.data, deps, context)
    } catch (cause: unknown) {
      if (cause instanceof HandlerConfigError) throw new InvalidConfig([{ path: cause.path, message: cause.message }])
      throw cause
    }
  }

  return <Kind extends HandlerKind>(kind: Kind, reference: HandlerReference, place: string): Lookup<StepOf[Kind]> => {
    const { handler: id, config } = reference
    const ofKind = definitions.filter((definition) => definition.kind === kind)
    const definition = ofKind.find(({ type }) => type === id)
    if (definition === undefined) {
      const supported = ofKind.map(({ type }) => type)
      return { step: undefined, fault: unknownFault(kind, id, place, supported) }
    }
    const isEnabled = settingsOf(settings, kind, id)?.enabled === true
    try {
      const step = compile(definition, config) as StepOf[Kind]
      return { step, fault: isEnabled ? undefined : disabledFault(kind, id, place) }
    } catch (cause: unknown) {
      if (!isEnabled) return { step: undefined, fault: disabledFault(kind, id, place) }
      if (!(cause instanceof InvalidConfig)) throw cause
      const locate = locator(kind, reference, place, settings)
      return { step: undefined, fault: invalidFault(kind, id, cause.issues, locate) }
    }
  }
}

class InvalidConfig extends Error {
  override readonly name = 'InvalidConfig'
  readonly issues: readonly ConfigIssue[]

  constructor(issues: readonly ConfigIssue[]) {
    super('invalid handler configuration')
    this.issues = issues
  }
}

/** Says where an issue is: in the rule, or, when the value came from there, in the global configuration. */
function locator(
  kind: HandlerKind,
  { handler, config }: HandlerReference,
  place: string,
  settings: PipelineSettings,
): (issue: ConfigIssue) => { readonly path: string; readonly message: string } {
  const global = settingsOf(settings, kind, handler)?.config
  return ({ path, message }) => {
    const own = formatPath(`${place}.config`, path)
    const inherited = formatPath(`${KIND_WORDS[kind].settingsKey}.${handler}.config`, path)
    const isInherited = path.length > 0 && !hasPath(config, path) && hasPath(global, path) && own !== inherited
    return { path: own, message: isInherited ? `${message} (set in ${inherited})` : message }
  }
}

function settingsOf(settings: PipelineSettings, kind: HandlerKind, id: string): HandlerSettings | undefined {
  const byId = settings.handlers[kind]
  return Object.hasOwn(byId, id) ? byId[id] : undefined
}
