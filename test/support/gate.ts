import { systemClock } from '../../src/kernel/clock.ts'
import { GateError } from '../../src/kernel/errors.ts'
import type { Decision, Gate } from '../../src/kernel/gate.ts'
import type { Matcher } from '../../src/kernel/matcher.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { HandlerReference, Rule } from '../../src/kernel/rule.ts'
import { OutboundError } from '../../src/lib/outbound.ts'
import { BUILTIN_HANDLERS } from '../../src/pipeline/builtin.ts'
import type { HandlerDefinition } from '../../src/pipeline/define.ts'
import type { PipelineDeps } from '../../src/pipeline/deps.ts'
import { createGate } from '../../src/pipeline/gate.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { createRegistry, type Registry } from '../../src/pipeline/registry.ts'
import { compileTemplate } from '../../src/template/compile-template.ts'
import type { HandlerSettings, PipelineSettings } from '../../src/pipeline/settings.ts'

/** A rule in a test: handlers by name, or with their configuration. */
export interface TestRule {
  readonly id?: string
  readonly url?: string
  readonly authenticators?: readonly (string | HandlerReference)[]
  readonly authorizer?: string | HandlerReference
  readonly mutators?: readonly (string | HandlerReference)[]
  readonly errors?: readonly (string | HandlerReference)[]
  readonly upstream?: string
  /** What its pattern captured. */
  readonly captureGroups?: readonly string[]
}

export const TEST_DEPS: PipelineDeps = {
  templates: { compile: compileTemplate },
  sessions: undefined,
  login: undefined,
  ruleLogin: undefined,
  outbound: { call: () => Promise.reject(new OutboundError('unreachable', 'no service in this test')) },
  tokens: {
    with: () => () => {
      throw new GateError('ERR_SIGNING_KEY_UNAVAILABLE')
    },
  },
  verifiers: {
    with: () => ({
      verify: () => {
        throw new Error('no keys in this test')
      },
    }),
  },
  introspections: {
    with: () => {
      throw new Error('no introspection in this test')
    },
  },
  clientLogins: {
    with: () => {
      throw new Error('no token endpoint in this test')
    },
  },
  clock: systemClock,
  logger: silentLogger,
}

const ON: HandlerSettings = { enabled: true }

/** Handlers of some kinds, as the configuration says; and the fallback list. */
export interface TestSettings extends Partial<PipelineSettings['handlers']> {
  readonly fallback?: readonly string[]
}

/** Everything enabled that works without configuration. */
const TEST_HANDLERS: PipelineSettings['handlers'] = {
  authenticators: { anonymous: ON, noop: ON, unauthorized: ON, session: ON },
  authorizers: { allow: ON, deny: ON },
  mutators: { noop: ON, header: ON, cookie: ON },
  errors: { json: ON, redirect: ON, www_authenticate: ON, login: ON },
}

export function createTestRegistry(
  deps: Partial<PipelineDeps> = {},
  { fallback = ['json'], ...handlers }: TestSettings = {},
  more: readonly HandlerDefinition<PipelineDeps>[] = [],
): Registry {
  return createRegistry({
    definitions: [...BUILTIN_HANDLERS, ...more],
    settings: { handlers: { ...TEST_HANDLERS, ...handlers }, errorFallback: fallback },
    deps: { ...TEST_DEPS, ...deps },
    matchingStrategy: 'regexp',
  })
}

/** A whole rule, as the loader gives it; what a test does not say is anonymous, allowed, and left as it is. */
export function makeRule(rule: TestRule = {}): Rule {
  return {
    id: rule.id ?? 'rule',
    version: '',
    description: '',
    match: { kind: 'http', methods: ['GET', 'POST'], url: rule.url ?? 'http://app.example/' },
    authenticators: (rule.authenticators ?? ['anonymous']).map(reference),
    authorizer: reference(rule.authorizer ?? 'allow'),
    mutators: (rule.mutators ?? ['noop']).map(reference),
    errors: (rule.errors ?? []).map(reference),
    upstream: { url: rule.upstream ?? 'http://upstream.example', preserveHost: false, stripPath: '' },
  }
}

export interface TestGateOptions {
  readonly rules: readonly TestRule[]
  readonly deps?: Partial<PipelineDeps>
  readonly settings?: TestSettings
  readonly more?: readonly HandlerDefinition<PipelineDeps>[]
  readonly onDecision?: (decision: Decision, tookMs: number) => void
}

/** A gate over rules whose `url` is compared as it is. */
export function createTestGate(options: TestGateOptions): Gate {
  const registry = createTestRegistry(options.deps, options.settings, options.more)
  const rules = options.rules.map((rule) => ({
    url: rule.url ?? 'http://app.example/',
    captureGroups: rule.captureGroups ?? [],
    plan: registry.compileRule(makeRule(rule)).plan,
  }))
  const matcher: Matcher<Plan> = {
    match(_method, scheme, host, path) {
      const found = rules.find(({ url }) => url === `${scheme}://${host}${path}`)
      if (found === undefined) throw new GateError('ERR_RULE_NOT_FOUND')
      return found
    },
  }
  const { fallback } = registry.compileFallback()
  return createGate({
    current: () => ({ matcher, fallback }),
    ...(options.onDecision === undefined ? {} : { onDecision: options.onDecision }),
  })
}

function reference(given: string | HandlerReference): HandlerReference {
  return typeof given === 'string' ? { handler: given, config: undefined } : given
}
