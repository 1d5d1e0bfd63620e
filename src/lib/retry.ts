import { setTimeout as sleep } from 'node:timers/promises'
import type { Outbound, OutboundRequest, OutboundResponse, OutboundTarget } from './outbound.ts'
import { OutboundError } from './outbound.ts'
import { parseRetryAfter } from './retry-after.ts'

/** How often and how long a call is made again while it fails. */
export interface RetryPolicy {
  /** Attempts after the first one. */
  readonly retries: number
  /** From the first attempt to the end of the last one. */
  readonly giveUpAfterMs: number
  /** The longest wait between two attempts; `Retry-After` may ask for a longer one. */
  readonly maxDelayMs: number
}

/** The wait before the second attempt at most; it doubles from one to the next. */
const FIRST_DELAY_MS = 25

/**
 * Calls until there is an answer worth having: a connection that fails, 429 and 5xx except 501 are tried again, after a
 * growing wait or the one that `Retry-After` asks for. What is left at the end is the last answer, whatever its status.
 * @throws {OutboundError} when the last attempt gave none.
 */
export async function callWithRetries(
  outbound: Pick<Outbound, 'call'>,
  target: string | OutboundTarget,
  request: Omit<OutboundRequest, 'timeoutMs'>,
  policy: RetryPolicy,
): Promise<OutboundResponse> {
  const endsAt = performance.now() + policy.giveUpAfterMs
  for (let attempt = 0; ; attempt++) {
    const timeoutMs = Math.max(1, Math.ceil(endsAt - performance.now()))
    const outcome = await attemptOnce(outbound, target, { ...request, timeoutMs })
    const isLast = attempt >= policy.retries || !isPassing(outcome)
    const delayMs = isLast ? 0 : delayBefore(attempt, outcome, policy)
    if (isLast || performance.now() + delayMs >= endsAt) return valueOf(outcome)
    await sleep(delayMs)
  }
}

async function attemptOnce(
  outbound: Pick<Outbound, 'call'>,
  target: string | OutboundTarget,
  request: OutboundRequest,
): Promise<OutboundResponse | OutboundError> {
  try {
    return await outbound.call(target, request)
  } catch (cause: unknown) {
    if (cause instanceof OutboundError) return cause
    throw cause
  }
}

/** Whether it may be another outcome the next time. */
function isPassing(outcome: OutboundResponse | OutboundError): boolean {
  if (outcome instanceof OutboundError) return outcome.kind === 'unreachable'
  const { status } = outcome
  return status === 429 || (status >= 500 && status !== 501)
}

function valueOf(outcome: OutboundResponse | OutboundError): OutboundResponse {
  if (outcome instanceof OutboundError) throw outcome
  return outcome
}

function delayBefore(attempt: number, outcome: OutboundResponse | OutboundError, { maxDelayMs }: RetryPolicy): number {
  const isTold = !(outcome instanceof OutboundError) && (outcome.status === 429 || outcome.status === 503)
  const told = isTold ? parseRetryAfter(outcome.header('retry-after'), Date.now()) : undefined
  if (told !== undefined) return told
  const delayMs = Math.min(FIRST_DELAY_MS * 2 ** attempt, maxDelayMs)
  // Callers that failed together must not come back together.
  return delayMs * (0.5 + Math.random() / 2)
}
