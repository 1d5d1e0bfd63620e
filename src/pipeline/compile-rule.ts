import { GateError } from '../kernel/errors.ts'
import type { StepName } from '../kernel/exchange.ts'
import type { UpstreamTarget } from '../kernel/gate.ts'
import type { AuthorizeStep, HandlerKind } from '../kernel/handlers.ts'
import type { Problem } from '../kernel/problem.ts'
import type { HandlerReference, Rule } from '../kernel/rule.ts'
import { nameErrorStep } from './compile-errors.ts'
import { compileHeaderFilter } from './owned-headers.ts'
import type { NamedStep, Plan } from './plan.ts'
import type { LookUp, Lookup, StepOf } from './registry.ts'
import { compileUpstream } from './upstream.ts'
import { KIND_WORDS } from './vocabulary.ts'

type PipelineKind = Exclude<HandlerKind, 'errors'>

/** What a rule's compilation gathers: every problem, and the first one as a step that ends requests. */
interface Findings {
  readonly problems: { path: string; message: string }[]
  mistake: NamedStep<AuthorizeStep> | undefined
}

/** Compiles a rule to its plan, telling everything that is wrong with it at once. */
export function compileRule(
  rule: Rule,
  lookUp: LookUp,
): { readonly plan: Plan; readonly problems: readonly Problem[] } {
  const findings: Findings = { problems: [], mistake: undefined }
  checkMatch(rule, findings)
  const upstream = readUpstream(rule, findings)
  const authenticators = compileList(rule.authenticators, 'authenticators', lookUp, findings)
  const authorizer = compileAuthorizer(rule.authorizer, lookUp, findings)
  const mutators = compileList(rule.mutators, 'mutators', lookUp, findings)
  const errors = rule.errors.map((reference, index) => {
    const lookup = lookUp('errors', reference, `errors[${index}]`)
    note(findings, 'errors', reference, lookup)
    return nameErrorStep(reference.handler, lookup)
  })
  const ownedHeaders = [...authenticators, authorizer, ...mutators].flatMap(({ step }) => step?.ownedHeaders ?? [])
  return {
    plan: {
      ruleId: rule.id,
      authenticators: authenticators.map(({ name, step, fail }) => ({ name, run: step ?? fail })),
      authorizer: { name: authorizer.name, run: authorizer.step ?? authorizer.fail },
      mutators: mutators.map(({ name, step, fail }) => ({ name, run: step?.run ?? fail })),
      ownedHeaders: compileHeaderFilter(ownedHeaders),
      keepsClientHeaders: mutators.some(({ step }) => step?.needsClientHeaders === true),
      errors,
      upstream,
      mistake: findings.mistake,
    },
    problems: findings.problems.map((problem) => ({ ...problem, ruleId: rule.id })),
  }
}

function checkMatch({ match }: Rule, findings: Findings): void {
  if (match === undefined) tell(findings, 'match', 'Value "match" is empty but must be set.')
  else if (match.kind === 'http' && match.url === '') {
    tell(findings, 'match.url', 'Value "" of "match.url" field must not be empty.')
  }
}

function readUpstream({ upstream }: Rule, findings: Findings): UpstreamTarget | undefined {
  try {
    return compileUpstream(upstream)
  } catch (cause: unknown) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    tell(findings, 'upstream.url', `Value "${upstream.url}" of "upstream.url" is not a valid url: ${detail}`)
    return undefined
  }
}

/** A step, or, where there is none, what ends the request in its place. */
interface Slot<Step> {
  readonly name: StepName
  readonly step: Step | undefined
  readonly fail: () => never
}

function compileList<Kind extends 'authenticators' | 'mutators'>(
  references: readonly HandlerReference[],
  kind: Kind,
  lookUp: LookUp,
  findings: Findings,
): Slot<StepOf[Kind]>[] {
  const { step } = KIND_WORDS[kind]
  if (references.length === 0) {
    tell(findings, kind, `Value of "${kind}" must be set and can not be an empty array.`)
    const error = new GateError('ERR_HANDLER_MISCONFIGURED', {
      message: `No ${step} handler was set in the rule`,
    })
    const name: StepName = { kind: step, handler: '', reasonId: `${step}_handler_missing` }
    return [{ name, step: undefined, fail: failWith(error) }]
  }
  return references.map((reference, index) => {
    const lookup = lookUp(kind, reference, `${kind}[${index}]`)
    return makeSlot(kind, reference, lookup, findings)
  })
}

function compileAuthorizer(reference: HandlerReference, lookUp: LookUp, findings: Findings): Slot<AuthorizeStep> {
  const lookup = lookUp('authorizers', reference, 'authorizer')
  if (reference.handler !== '' || lookup.fault === undefined) {
    return makeSlot('authorizers', reference, lookup, findings)
  }
  const message = 'Value of "authorizer.handler" can not be empty.'
  const fault = { ...lookup.fault, problems: [{ path: 'authorizer.handler', message }] }
  return makeSlot('authorizers', reference, { ...lookup, fault }, findings)
}

function makeSlot<Kind extends PipelineKind>(
  kind: Kind,
  reference: HandlerReference,
  lookup: Lookup<StepOf[Kind]>,
  findings: Findings,
): Slot<StepOf[Kind]> {
  const { step: stepKind } = KIND_WORDS[kind]
  const { step, fault } = lookup
  note(findings, kind, reference, lookup)
  if (fault === undefined) {
    const name: StepName = { kind: stepKind, handler: reference.handler, reasonId: `${stepKind}_handler_error` }
    return { name, step, fail: failWith(new GateError('ERR_HANDLER_MISCONFIGURED')) }
  }
  const prefix = fault.kind === 'unknown' ? 'unknown' : 'invalid'
  const name: StepName = { kind: stepKind, handler: reference.handler, reasonId: `${prefix}_${stepKind}_handler` }
  return { name, step: undefined, fail: failWith(fault.error) }
}

function note(findings: Findings, kind: HandlerKind, { handler }: HandlerReference, { fault }: Lookup<unknown>): void {
  if (fault === undefined) return
  findings.problems.push(...fault.problems)
  const { step } = KIND_WORDS[kind]
  findings.mistake ??= {
    name: { kind: step, handler, reasonId: `invalid_${step}_handler` },
    run: failWith(fault.error),
  }
}

function tell(findings: Findings, path: string, message: string): void {
  findings.problems.push({ path, message })
  findings.mistake ??= {
    name: { kind: 'authentication', handler: '', reasonId: 'invalid_authentication_handler' },
    run: failWith(new GateError('ERR_HANDLER_MISCONFIGURED', { message })),
  }
}

function failWith(error: GateError): () => never {
  return () => {
    throw error
  }
}
