import { GateError } from '../kernel/errors.ts'
import { HandlerConfigError } from '../kernel/handlers.ts'
import type { Template, TemplateCompiler } from './deps.ts'

/**
 * Compiles a template of a handler's configuration. Rendering throws ERR_TEMPLATE_FAILED, which names the template and
 * never a value.
 * @throws {HandlerConfigError} when it does not parse.
 */
export function compileTemplate(
  templates: TemplateCompiler,
  source: string,
  path: readonly (string | number)[],
): Template {
  const place = path.join('.')
  const render = parse(templates, source, path)
  return (exchange) => {
    try {
      return render(exchange)
    } catch (cause: unknown) {
      if (cause instanceof GateError) throw cause
      throw new GateError('ERR_TEMPLATE_FAILED', {
        cause,
        message: `error executing template "${source}" of ${place} in rule "${exchange.ruleId}"`,
        detail: cause instanceof Error ? cause.message : String(cause),
      })
    }
  }
}

function parse(templates: TemplateCompiler, source: string, path: readonly (string | number)[]): Template {
  try {
    return templates.compile(source)
  } catch (cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new HandlerConfigError(path, `the template does not parse: ${message}`)
  }
}
