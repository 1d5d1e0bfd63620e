import type { IncomingMessage } from 'node:http'
import type { Answer } from '../http/answer.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { writeReply } from '../http/write-reply.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Reply } from '../kernel/reply.ts'
import { splitTarget } from './routes.ts'

/** `serve.prometheus`. */
export interface MetricsListenerOptions {
  readonly host: string
  readonly port: number
  readonly metricsPath: string
}

export interface MetricsListenerDeps {
  /** Everything that is measured, in Prometheus' text format. */
  readonly text: () => Promise<string>
  readonly clock: Clock
  readonly logger: Logger
}

const TIMEOUT_MS = 30_000
const MAX_HEADER_BYTES = 16 * 1024
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
const PLAIN = [['Content-Type', 'text/plain; charset=utf-8']] as const

/**
 * Creates the listener that Prometheus scrapes.
 * Differs from Oathkeeper: it gives the metrics on `metrics_path` only, where Oathkeeper gives them on every path.
 */
export function createMetricsListener(options: MetricsListenerOptions, deps: MetricsListenerDeps): HttpServer {
  const answer = async (request: IncomingMessage, response: Answer): Promise<void> => {
    request.resume()
    const { path } = splitTarget(request.url ?? '')
    if (path !== options.metricsPath) write(response, { status: 404, headers: PLAIN, body: 'not found\n' })
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      write(response, { status: 405, headers: [['Allow', 'GET, HEAD'], ...PLAIN], body: 'method not allowed\n' })
    } else write(response, { status: 200, headers: [['Content-Type', CONTENT_TYPE]], body: await deps.text() })
  }
  return createHttpServer(
    {
      host: options.host,
      port: options.port,
      tls: undefined,
      readTimeoutMs: TIMEOUT_MS,
      writeTimeoutMs: TIMEOUT_MS,
      idleTimeoutMs: TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      trusts: () => false,
    },
    {
      request(request, response) {
        answer(request, response).catch((cause: unknown) => {
          deps.logger.error({ error: cause }, 'the metrics could not be given')
          response.destroy()
        })
      },
    },
    deps.clock,
  )
}

function write(response: Answer, reply: Reply): void {
  if (!response.destroyed) writeReply(response, reply, { secure: false })
}
