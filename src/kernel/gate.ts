import type { GateError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'
import type { RequestView } from './request.ts'

/** Where a granted request goes. Compiled at load from `upstream` of a rule. */
export interface UpstreamTarget {
  /** `http:` or `https:` and host with port: one pooled client each. */
  readonly origin: string
  /** `host[:port]` as written in the rule: the `Host` that is sent unless `preserveHost`. */
  readonly host: string
  /** Decoded path of `upstream.url`, joined with the request's. */
  readonly basePath: string
  readonly preserveHost: boolean
  /** Without surrounding slashes; empty when nothing is stripped. */
  readonly stripPath: string
}

export type Decision = Grant | Refusal

export interface Grant {
  readonly granted: true
  readonly exchange: Exchange
  readonly upstream: UpstreamTarget | undefined
  /** An authenticator answers the request itself (`exchange.respond`): the whole answer, and no upstream hears of it. */
  readonly reply?: Reply
}

export interface Refusal {
  readonly granted: false
  readonly exchange: Exchange
  readonly error: GateError
  readonly reply: Reply
}

/** Decides about requests: rules, pipeline and error handlers behind one function. Never throws. */
export interface Gate {
  decide(request: RequestView): Decision | Promise<Decision>
  /** For what fails after a granted decision and before the first byte of the answer, such as a rule without upstream. */
  refuse(exchange: Exchange, error: GateError): Decision | Promise<Decision>
}
