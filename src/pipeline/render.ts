import { GateError } from '../kernel/errors.ts'
import type { Exchange } from '../kernel/exchange.ts'
import { HandlerConfigError } from '../kernel/handlers.ts'
import type { Template, TemplateCompiler } from './deps.ts'

/** Renders a template of a handler's configuration. Throws ERR_TEMPLATE_FAILED, which names the template. */
export type Render = (exchange: Exchange) => string

/**
 * Compiles a template of a handler's configuration.
 * @throws {HandlerConfigError} when it does not parse.
 */
export function compileTemplate(
  templates: TemplateCompiler,
  source: string,
  path: readonly (string | number)[],
): Render {
  const place = path.join('.')
  const template = parse(templates, source, path)
  return (exchange) => {
    try {
      return template.render(exchange)
    } catch (cause: unknown) {
      throw failure(cause, exchange, `error executing ${place} template "${source}"`)
    }
  }
}

function parse(templates: TemplateCompiler, source: string, path: readonly (string | number)[]): Template {
  try {
    return templates.compile(source, path.join('.'))
  } catch (cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new HandlerConfigError(path, `the template does not parse: ${message}`)
  }
}

function failure(cause: unknown, exchange: Exchange, what: string): GateError {
  const isTold = cause instanceof GateError
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new GateError('ERR_TEMPLATE_FAILED', {
    cause,
    message: `${what} in rule "${exchange.ruleId}"`,
    ...(isTold && cause.reason !== undefined ? { reason: cause.reason, detail: cause.reason } : { detail }),
  })
}
