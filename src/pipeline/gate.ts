import { GateError, toGateError } from '../kernel/errors.ts'
import { Exchange } from '../kernel/exchange.ts'
import type { Decision, Gate } from '../kernel/gate.ts'
import type { Match, Matcher } from '../kernel/matcher.ts'
import type { Reply } from '../kernel/reply.ts'
import type { RequestView } from '../kernel/request.ts'
import { answerFailure } from './answer.ts'
import { executePlan } from './execute.ts'
import type { Fallback, Plan } from './plan.ts'

/** What is in force: swapped whole, so that no request sees half of a change. */
export interface GateState {
  readonly matcher: Matcher<Plan>
  readonly fallback: Fallback
}

export interface GateOptions {
  readonly current: () => GateState
  /** Told each decision, with the milliseconds that it took. For the log and metrics; must not throw. */
  readonly onDecision?: (decision: Decision, tookMs: number) => void
}

/** Remembers the plan that decided, so that a later failure is answered by the same rule, whatever was swapped since. */
class PlannedExchange extends Exchange {
  readonly plan: Plan
  readonly fallback: Fallback

  constructor(request: RequestView, match: Match<Plan>, fallback: Fallback) {
    super(request, match.plan.ruleId, match.captureGroups)
    this.plan = match.plan
    this.fallback = fallback
  }
}

/**
 * Finds the rule. A gateway may pass `/admin/../public` on as it is, and many an application takes that for something below
 * `/admin`: a path that leads to two rules, by who reads it, is refused (V-003).
 */
function matchOnce(matcher: Matcher<Plan>, request: RequestView): Match<Plan> {
  const { method, scheme, host, path, uncleanPath, isRpc } = request
  const match = matcher.match(method, scheme, host, path, isRpc)
  if (uncleanPath !== undefined && isAnotherRule(matcher, request, uncleanPath, match.plan)) {
    throw new GateError('ERR_REQUEST_MALFORMED', { reason: 'The path leads to another rule when it is not cleaned' })
  }
  return match
}

function isAnotherRule(
  matcher: Matcher<Plan>,
  { method, scheme, host, isRpc }: RequestView,
  path: string,
  plan: Plan,
): boolean {
  try {
    return matcher.match(method, scheme, host, path, isRpc).plan !== plan
  } catch (cause: unknown) {
    if (cause instanceof GateError && cause.code === 'ERR_RULE_NOT_FOUND') return false
    throw cause
  }
}

/** Creates the gate over the rules in force. It answers at once unless a step needs to wait, and never throws. */
export function createGate({ current, onDecision }: GateOptions): Gate {
  const tell = (decision: Decision, startedAt: number): Decision => {
    onDecision?.(decision, performance.now() - startedAt)
    return decision
  }

  const grant = (exchange: PlannedExchange, startedAt: number): Decision | Promise<Decision> =>
    exchange.respond === undefined
      ? tell({ granted: true, exchange, upstream: exchange.plan.upstream }, startedAt)
      : respond(exchange, exchange.respond, startedAt)

  const respond = async (
    exchange: PlannedExchange,
    makeReply: NonNullable<Exchange['respond']>,
    startedAt: number,
  ): Promise<Decision> => {
    let reply: Reply
    try {
      reply = await makeReply()
    } catch (cause: unknown) {
      return fail(exchange, cause, startedAt)
    }
    return tell({ granted: true, exchange, upstream: undefined, reply }, startedAt)
  }

  const fail = (exchange: Exchange, cause: unknown, startedAt: number): Decision | Promise<Decision> => {
    const error = toGateError(cause)
    const fallback = exchange instanceof PlannedExchange ? exchange.fallback : current().fallback
    const own = exchange instanceof PlannedExchange ? exchange.plan.errors : []
    const reply = answerFailure({ error, exchange }, own, fallback.errors)
    return reply instanceof Promise
      ? reply.then((late) => tell({ granted: false, exchange, error, reply: late }, startedAt))
      : tell({ granted: false, exchange, error, reply }, startedAt)
  }

  return {
    decide(request) {
      const startedAt = performance.now()
      const { matcher, fallback } = current()
      let match: Match<Plan>
      try {
        match = matchOnce(matcher, request)
      } catch (cause: unknown) {
        return fail(new Exchange(request, '', []), cause, startedAt)
      }
      const exchange = new PlannedExchange(request, match, fallback)
      try {
        const pending = executePlan(match.plan, exchange)
        if (pending === undefined) return grant(exchange, startedAt)
        return pending.then(
          () => grant(exchange, startedAt),
          (cause: unknown) => fail(exchange, cause, startedAt),
        )
      } catch (cause: unknown) {
        return fail(exchange, cause, startedAt)
      }
    },
    refuse: (exchange: Exchange, error: GateError) => fail(exchange, error, performance.now()),
  }
}
