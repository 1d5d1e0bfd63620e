import type { IncomingMessage } from 'node:http'
import type { Answer } from '../http/answer.ts'
import { connectionOf } from '../http/connection.ts'
import type { Cors } from '../http/cors.ts'
import { isRefusal, receive, type Received, type ReceiveOptions } from '../http/receive.ts'
import { refusalReply } from '../http/refusal.ts'
import { settleBody } from '../http/settle.ts'
import type { StallWatch } from '../http/stall-watch.ts'
import { writeReply } from '../http/write-reply.ts'
import { toGateError } from '../kernel/errors.ts'
import { errorReply } from '../kernel/error-reply.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Reply } from '../kernel/reply.ts'
import { type AdminRoutes, isClean, splitTarget } from './routes.ts'

/** A part of the API with paths of its own, such as the decision API. */
export interface ApiMount {
  /** Whether it answers requests of this path, as sent. */
  handles(path: string): boolean
  handle(exchange: MountedExchange): void
}

export interface MountedExchange {
  readonly request: IncomingMessage
  readonly response: Answer
  readonly received: Received
  readonly path: string
  readonly rawQuery: string
}

export interface ApiOptions {
  readonly receive: ReceiveOptions
  readonly watch: StallWatch
  readonly routes: AdminRoutes
  readonly mounts: readonly ApiMount[]
  /** Cross-origin requests by the configuration in force; nothing while they are not answered for. */
  readonly cors: () => Cors | undefined
  readonly logger: Logger
}

const ORIGIN = /^https?:\/\/[^/?#]*/i

/** Creates the handler of the API listener: checks the request, then the mounts, then the routes. */
export function createApi(options: ApiOptions): (request: IncomingMessage, response: Answer) => void {
  const { watch, routes, mounts } = options
  const fail = (cause: unknown, { response, received }: Pick<MountedExchange, 'response' | 'received'>): void => {
    const error = toGateError(cause)
    options.logger.error({ error }, 'A request to the API failed')
    if (response.headersSent) {
      response.destroy()
      return
    }
    const reply = errorReply(error, { verbose: false, requestId: received.requestId ?? '' })
    writeReply(response, reply, { secure: received.connection.secure })
  }

  const answer = (exchange: MountedExchange, target: string): void => {
    const { request, response, received } = exchange
    if (received.body !== undefined) settleBody(request, response, watch)
    const write = (reply: Reply): void => writeReply(response, reply, { secure: received.connection.secure })
    const reply = routes({ method: request.method ?? 'GET', target, headers: received.head.headers })
    if (reply instanceof Promise) reply.then(write).catch((cause: unknown) => fail(cause, exchange))
    else write(reply)
  }

  return (request, response) => {
    const received = receive(request, response, options.receive, watch)
    if (isRefusal(received)) {
      const { secure } = connectionOf(request.socket)
      writeReply(response, refusalReply(received), { secure, close: received.close })
      return
    }
    if (options.cors()?.handle(request.method ?? '', received.head.headers, response) === true) {
      if (received.body !== undefined) settleBody(request, response, watch)
      return
    }
    const target = originForm(request.url ?? '/')
    const { path, rawQuery } = splitTarget(target)
    const exchange = { request, response, received, path, rawQuery }
    try {
      const mount = mounts.find((candidate) => candidate.handles(path))
      if (mount !== undefined && isClean(path)) mount.handle(exchange)
      else answer(exchange, target)
    } catch (cause: unknown) {
      fail(cause, exchange)
    }
  }
}

function originForm(url: string): string {
  if (url.startsWith('/')) return url
  const rest = url.replace(ORIGIN, '')
  return rest.startsWith('/') ? rest : `/${rest}`
}
