import type { IncomingMessage } from 'node:http'
import type { Answer } from '../http/answer.ts'
import { compileTrust } from '../http/forwarded.ts'
import { createHeaderClassifier } from '../http/header-kinds.ts'
import type { Head } from '../http/head.ts'
import { isRefusal, receive, type Received, type ReceiveOptions, refusalOf, tidyForwarded } from '../http/receive.ts'
import { type Refusal, refusalReply } from '../http/refusal.ts'
import { IncomingView } from '../http/request-view.ts'
import type { Logger } from '../kernel/logger.ts'
import { createHttpServer, type Upgraded } from '../http/server.ts'
import { settleBody } from '../http/settle.ts'
import { StallWatch } from '../http/stall-watch.ts'
import { readTarget } from '../http/target.ts'
import { writeReply } from '../http/write-reply.ts'
import { GateError } from '../kernel/errors.ts'
import type { Exchange } from '../kernel/exchange.ts'
import type { Decision, UpstreamTarget } from '../kernel/gate.ts'
import type { RequestView } from '../kernel/request.ts'
import { type TraceSpan, withTraceHeaders } from '../lib/trace.ts'
import { cleanQuery } from '../lib/go-url.ts'
import type { LocalRoutes, Proxy, ProxyDeps, ProxyOptions } from './contract.ts'
import { answerFailure } from './failure.ts'
import { Forwarding, type ForwardingContext, type ForwardingEnd, type Outgoing } from './forwarding.ts'
import { isForeignOrigin } from './origin.ts'
import { offeredProtocols, TunnelForwarding } from './tunnel.ts'
import { upstreamHeaders } from './upstream-headers.ts'
import { upstreamPathAndQuery } from './upstream-url.ts'
import { createUpstreams } from './upstreams.ts'

type TakeOver = () => Upgraded

/** What the headers of a rule may add to those of the client before an upstream is not bothered with them (F-31). */
const PIPELINE_HEADERS = 20 * 1024

/** Twice a second: an answer that lasts must be known as such soon enough for its session's end to end it within a second. */
const LOOK_FOR_STREAMS_MS = 2_500

/** The proxy: receives, asks the gate, forwards. */
export function createProxy(options: ProxyOptions, deps: ProxyDeps): Proxy {
  const { gate, local, watchSession, clock, logger } = deps
  const { timeouts, upstream: upstreamOptions } = options
  const { headersTimeoutMs, bodyTimeoutMs } = upstreamOptions
  const watch = new StallWatch(clock, Math.min(timeouts.readMs, headersTimeoutMs, bodyTimeoutMs, LOOK_FOR_STREAMS_MS))
  const upstreams = createUpstreams(upstreamOptions, clock)
  const trusts = compileTrust(options.trustedProxies)
  const targetRules = { trailingSlash: options.trailingSlash, strictPaths: options.strictPaths }
  const headerOptions = { isOwnCookie: options.isOwnCookie, maxSize: options.maxHeaderSize + PIPELINE_HEADERS }
  const limits = { headersTimeoutMs, bodyTimeoutMs }
  const onEnd = (end: ForwardingEnd): void => {
    if (end.error !== undefined && end.error.status >= 500) logFailure(logger, end)
    deps.onFinished?.(end)
  }
  const receiving: ReceiveOptions = {
    policy: { kindOf: createHeaderClassifier(options.stripRequestHeaders), keep: 'end-to-end' },
    trusts,
    body: { maxBytes: options.maxBodySize, stallMs: timeouts.readMs },
  }
  const isForeign = (view: RequestView): boolean =>
    isForeignOrigin(view, options.upgradeOrigins, options.isOwnCookie, options.publicOrigin)
  const server = createHttpServer(
    {
      host: options.host,
      port: options.port,
      tls: options.tls,
      readTimeoutMs: timeouts.readMs,
      writeTimeoutMs: timeouts.writeMs,
      idleTimeoutMs: timeouts.idleMs,
      maxHeaderSize: options.maxHeaderSize,
      trusts,
    },
    { request: serve, upgrade: serve, answered: deps.answered, trace: deps.trace },
    clock,
  )

  function serve(request: IncomingMessage, response: Answer, takeOver?: TakeOver): void {
    try {
      const received = receive(request, response, receiving, watch)
      if (isRefusal(received)) {
        if (!received.close) settleBody(request, response, watch)
        refuse(response, received)
      } else accept(new Serving(received, request, response, takeOver))
    } catch (error) {
      if (error instanceof GateError) refuse(response, refusalOf(error))
      else fail(response, error)
    }
  }

  function accept(serving: Serving): void {
    const { received, request, response } = serving
    if (received.body !== undefined) settleBody(request, response, watch)
    if (upstreams.isOwn(request.socket)) {
      refuse(response, LOOP)
      return
    }
    const view = viewOf(request, received)
    if (deps.cors?.()?.handle(view.method, view.headers, response) === true) return
    if (local !== undefined && local.handles(view.path)) {
      void answerLocally(local, view, response)
      return
    }
    if (serving.takeOver !== undefined && isForeign(view)) {
      refuse(response, FOREIGN_ORIGIN)
      return
    }
    const decision = gate.decide(view)
    if (decision instanceof Promise) void concludeLater(serving, decision)
    else conclude(serving, decision)
  }

  async function concludeLater(serving: Serving, decision: Promise<Decision>): Promise<void> {
    try {
      conclude(serving, await decision)
    } catch (error) {
      fail(serving.response, error)
    }
  }

  function viewOf(request: IncomingMessage, received: Received): IncomingView {
    const { head } = received
    const target = readTarget(request.url ?? '', targetRules)
    if (head.forwarded) tidyForwarded(head.headers)
    if (head.maxForwards !== undefined && request.method === 'OPTIONS') countDown(head)
    return new IncomingView(
      {
        front: 'proxy',
        method: request.method ?? '',
        scheme: schemeOf(received),
        host: target.authority ?? head.host,
        path: target.path,
        rawPath: target.rawPath,
        rawQuery: cleanQuery(target.rawQuery),
        originalUri: target.originalUri,
      },
      received,
    )
  }

  function conclude(serving: Serving, decision: Decision): void {
    const { response } = serving
    if (response.destroyed || response.closed) return
    try {
      const { exchange, reply } = decision
      tellCookies(response, exchange)
      if (reply !== undefined) writeReply(response, reply, { secure: exchange.request.scheme === 'https' })
      if (!decision.granted || reply !== undefined) return
      if (decision.upstream === undefined) {
        void refuseLate(serving, decision.exchange, new GateError('ERR_UPSTREAM_UNDEFINED'))
      } else forward(serving, decision.exchange, decision.upstream)
    } catch (error) {
      if (error instanceof GateError && decision.granted) void refuseLate(serving, decision.exchange, error)
      else fail(response, error)
    }
  }

  async function refuseLate(serving: Serving, exchange: Exchange, error: GateError): Promise<void> {
    try {
      const decision = await gate.refuse(exchange, error)
      if (decision.granted) throw error
      conclude(serving, decision)
    } catch (cause) {
      fail(serving.response, cause)
    }
  }

  function forward(serving: Serving, exchange: Exchange, target: UpstreamTarget): void {
    const { received, response, takeOver } = serving
    const { head, body } = received
    const upgrade = takeOver === undefined ? '' : offeredProtocols(head.upgrade)
    const upstream = upstreams.at(target.origin)
    if (upstream.active >= upstreamOptions.maxConnections + upstreamOptions.maxWaiting) {
      answerFailure(response, new GateError('ERR_UPSTREAM_BUSY', { headers: [['Retry-After', '1']] }))
      return
    }
    const flat = upstreamHeaders(exchange, target, body?.length, head.trailers, headerOptions)
    const span = response.span?.child('upstream')
    const outgoing: Outgoing = {
      method: exchange.request.method,
      path: upstreamPathAndQuery(exchange.request, target, options.trailingSlash),
      headers: span === undefined ? flat : withTraceHeaders(flat, span),
      body,
      ...(upgrade === '' ? {} : { upgrade }),
    }
    const context: ForwardingContext = {
      upstream,
      limits,
      watch,
      watchSession,
      onEnd: span === undefined ? onEnd : endSpan(span, onEnd),
    }
    if (takeOver === undefined || upgrade === '') new Forwarding(exchange, response, outgoing, context).begin()
    else new TunnelForwarding(exchange, response, outgoing, context, takeOver).begin()
  }

  async function answerLocally(routes: LocalRoutes, view: RequestView, response: Answer): Promise<void> {
    try {
      const reply = await routes.handle(view)
      if (!response.destroyed) writeReply(response, reply, { secure: view.scheme === 'https' })
    } catch (error) {
      fail(response, error)
    }
  }

  function refuse(response: Answer, refusal: Refusal): void {
    writeReply(response, refusalReply(refusal), { secure: options.tls !== undefined, close: refusal.close })
  }

  /** What nobody foresaw: never a crash, never a way through. */
  function fail(response: Answer, error: unknown): void {
    logger.error({ err: error }, 'a request failed for an unforeseen reason')
    if (response.headersSent || response.destroyed) response.destroy()
    else refuse(response, refusalOf(error))
  }

  return {
    listen: () => server.listen(),
    async close(graceMs) {
      await server.close(graceMs)
      await upstreams.close()
    },
  }
}

/** Added to whatever is answered, an upstream's answer too, which then is nobody else's (V-069). */
function tellCookies(response: Answer, { answerCookies }: Exchange): void {
  if (answerCookies.length === 0) return
  const cookies = answerCookies.flatMap((value) => ['Set-Cookie', value])
  response.added = [...(response.added ?? []), 'Cache-Control', 'no-store', ...cookies]
}

/** One request on its way through the proxy. */
class Serving {
  readonly received: Received
  readonly request: IncomingMessage
  readonly response: Answer
  /** For a request to upgrade the connection. */
  readonly takeOver: TakeOver | undefined

  constructor(received: Received, request: IncomingMessage, response: Answer, takeOver: TakeOver | undefined) {
    this.received = received
    this.request = request
    this.response = response
    this.takeOver = takeOver
  }
}

const LOOP: Refusal = { status: 508, message: 'The proxy is its own upstream', close: true }
const FOREIGN_ORIGIN: Refusal = { status: 403, message: 'The page may not open this connection', close: true }

/** Ends the span of the exchange with it. */
function endSpan(span: TraceSpan, onEnd: (end: ForwardingEnd) => void): (end: ForwardingEnd) => void {
  return (end) => {
    span.set('http.response.status_code', end.status)
    span.end(end.error?.code)
    onEnd(end)
  }
}

/** What the upstream did is for the operator; the client learns the status. */
function logFailure(logger: Logger, { exchange, status, error }: ForwardingEnd): void {
  const { ruleId, request } = exchange
  const fields = {
    rule_id: ruleId,
    error_code: error?.code,
    error: error?.detail,
    status,
    request_id: request.requestId,
  }
  logger.warn(fields, 'A granted request was not answered by its upstream')
}

/** One hop fewer is left (F-24); none left was answered by the checks. */
function countDown({ headers, maxForwards = '' }: Head): void {
  if (/^\d{1,9}$/.test(maxForwards)) headers.set('Max-Forwards', String(Number(maxForwards) - 1))
}

/** `https` on a TLS listener, or where a trusted proxy says so; what else it may say is ignored, as in Oathkeeper. */
function schemeOf({ head, connection }: Received): string {
  if (head.forwarded && connection.trusted) {
    const proto = head.headers.get('x-forwarded-proto')?.toLowerCase()
    if (proto === 'http' || proto === 'https') return proto
  }
  return connection.secure ? 'https' : 'http'
}
