import { GateError } from '../kernel/errors.ts'
import type { Exchange, StepName } from '../kernel/exchange.ts'
import type { Plan } from './plan.ts'

const NO_MATCH: StepName = { kind: 'authentication', handler: '', reasonId: 'authentication_handler_no_match' }

/**
 * Runs a plan: authenticators until one is responsible, the authorizer, then all mutators, unless an authenticator answers
 * the request itself (`exchange.respond`). Answers at once while every
 * step does, and with a promise from the first step that gives one. Throws, or rejects, when the request is refused;
 * `exchange.at` then says where.
 */
export function executePlan(plan: Plan, exchange: Exchange): void | Promise<void> {
  const pending = authenticate(plan, exchange, 0)
  return pending === undefined ? authorize(plan, exchange) : pending.then(() => authorize(plan, exchange))
}

function authenticate(plan: Plan, exchange: Exchange, from: number): void | Promise<void> {
  const { authenticators } = plan
  for (let i = from; i < authenticators.length; i++) {
    const step = authenticators[i] as (typeof authenticators)[number]
    exchange.at = step.name
    const answer = step.run(exchange)
    if (answer === true) return undefined
    if (answer !== false) {
      return answer.then((isDone) => (isDone ? undefined : authenticate(plan, exchange, i + 1)))
    }
  }
  exchange.at = NO_MATCH
  throw new GateError('ERR_CREDENTIALS_INVALID')
}

function authorize(plan: Plan, exchange: Exchange): void | Promise<void> {
  exchange.at = plan.authorizer.name
  const pending = plan.authorizer.run(exchange)
  return pending === undefined ? beginMutation(plan, exchange) : pending.then(() => beginMutation(plan, exchange))
}

function beginMutation(plan: Plan, exchange: Exchange): void | Promise<void> {
  if (exchange.respond !== undefined) return concludePlan(plan, exchange)
  const { headers } = exchange.request
  if (plan.keepsClientHeaders) {
    exchange.clientHeaders = headers.clone()
    exchange.removeOwnedHeaders = plan.ownedHeaders
  }
  // Only now: authenticators and authorizers may read a header that a mutator sets, such as Authorization.
  plan.ownedHeaders?.(headers)
  return mutate(plan, exchange, 0)
}

function mutate(plan: Plan, exchange: Exchange, from: number): void | Promise<void> {
  const { mutators } = plan
  for (let i = from; i < mutators.length; i++) {
    const step = mutators[i] as (typeof mutators)[number]
    exchange.at = step.name
    const pending = step.run(exchange)
    if (pending !== undefined) return pending.then(() => mutate(plan, exchange, i + 1))
  }
  return concludePlan(plan, exchange)
}

function concludePlan(plan: Plan, exchange: Exchange): void | Promise<void> {
  if (plan.mistake === undefined) return undefined
  exchange.at = plan.mistake.name
  return plan.mistake.run(exchange)
}
