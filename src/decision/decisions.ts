import type { IncomingMessage } from 'node:http'
import type { Answer } from '../http/answer.ts'
import { type Received } from '../http/receive.ts'
import { settleBody } from '../http/settle.ts'
import type { StallWatch } from '../http/stall-watch.ts'
import type { TargetRules } from '../http/target.ts'
import { writeReply } from '../http/write-reply.ts'
import { toGateError } from '../kernel/errors.ts'
import { Exchange } from '../kernel/exchange.ts'
import type { Decision, Gate } from '../kernel/gate.ts'
import { readDecision } from './read-decision.ts'

export interface DecisionsOptions {
  readonly gate: Gate
  readonly watch: StallWatch
  /** `access_rules.trailing_slash`. */
  readonly trailingSlash: TargetRules['trailingSlash']
}

/** A request to the API listener that passed its checks. */
export interface ApiExchange {
  readonly request: IncomingMessage
  readonly response: Answer
  readonly received: Received
  /** As sent, without the query. */
  readonly path: string
  readonly rawQuery: string
}

/** The decision API: `/decisions` and everything below it, any method. */
export interface Decisions {
  handles(path: string): boolean
  handle(exchange: ApiExchange): void
}

const PREFIX = '/decisions'
/** Frame our own message; nothing of the request or of a mutator may stand in their place. */
const FRAMING = new Set(['Content-Length', 'Transfer-Encoding', 'Connection'])

/** Creates the front that tells gateways whether to let a request through: 200 without a body, or the error handlers' answer. */
export function createDecisions({ gate, watch, trailingSlash }: DecisionsOptions): Decisions {
  const rules: TargetRules = { trailingSlash, strictPaths: false }
  return {
    handles: (path) => path.startsWith(PREFIX) && (path.length === PREFIX.length || path[PREFIX.length] === '/'),
    handle({ request, response, received, path, rawQuery }) {
      const own = { method: request.method ?? 'GET', path: path.slice(PREFIX.length), rawQuery }
      const { view, error } = readDecision(received, own, rules)
      const decision = error === undefined ? gate.decide(view) : gate.refuse(new Exchange(view, '', []), error)
      if (received.body !== undefined) settleBody(request, response, watch)
      if (decision instanceof Promise) void decision.then((late) => answer(gate, late, received, response))
      else answer(gate, decision, received, response)
    },
  }
}

function answer(gate: Gate, decision: Decision, received: Received, response: Answer): void {
  const { secure } = received.connection
  const { exchange, reply } = decision
  if (reply !== undefined) {
    writeReply(response, reply, { secure })
    return
  }
  try {
    writeGrant(response, exchange)
  } catch (cause: unknown) {
    // A header that Node does not take, from a handler that did not put it in wire form: refused rather than lost.
    void refuseLate(gate, exchange, cause, secure, response)
  }
}

async function refuseLate(
  gate: Gate,
  exchange: Exchange,
  cause: unknown,
  secure: boolean,
  response: Answer,
): Promise<void> {
  const decision = await gate.refuse(exchange, toGateError(cause))
  if (decision.granted || response.headersSent) response.destroy()
  else writeReply(response, decision.reply, { secure })
}

function writeGrant(response: Answer, { headers }: Exchange): void {
  const flat: string[] = []
  for (const [name, values] of headers) {
    const value = values[0]
    if (value === undefined || FRAMING.has(name)) continue
    flat.push(name, value)
    response.dropAdded(name.toLowerCase())
  }
  flat.push('Content-Length', '0')
  response.writeHead(200, flat)
  response.end()
}
