import { type Clock, systemClock } from '../kernel/clock.ts'
import { GateError } from '../kernel/errors.ts'
import type { Exchange } from '../kernel/exchange.ts'
import { rejoin } from '../lib/go-string.ts'
import { BUILTINS } from './builtins/builtins.ts'
import { ExpressionCompiler } from './exec/expression.ts'
import { ExecError, type Exec, type Program, Run } from './exec/run.ts'
import { compileSimple } from './exec/simple.ts'
import { compileList } from './exec/statement.ts'
import { sessionOf } from './session/session-view.ts'
import { CHANGES_MAPS } from './sprig/dicts.ts'
import type { TemplateEnvironment } from './sprig/environment.ts'
import { sprigFunctions } from './sprig/functions.ts'
import { parseTemplate } from './syntax/parser.ts'
import type { GoFunc } from './values/func.ts'

/** A template, compiled at load. */
export interface CompiledTemplate {
  /**
   * Renders the template for a request. Bytes that are not valid UTF-8 come as lone surrogates U+DC80…U+DCFF.
   * @throws {GateError} ERR_TEMPLATE_FAILED with Go's message as reason; nothing of the output is kept
   */
  render(exchange: Exchange): string
}

/** Compiles templates with one set of functions. */
export interface TemplateCompiler {
  /**
   * @param name for messages, such as `<rule id>:<header>`
   * @throws {TemplateSyntaxError} when the source does not parse
   */
  compile(source: string, name?: string): CompiledTemplate
}

export interface TemplateCompilerOptions {
  /** For `now` and what is counted from it. Default: the system's. */
  readonly clock?: Clock
  /** What templates may reach outside themselves. Default: nothing. */
  readonly environment?: TemplateEnvironment
}

/** Makes a compiler whose templates share one set of functions. */
export function createTemplateCompiler(options: TemplateCompilerOptions = {}): TemplateCompiler {
  const { clock = systemClock, environment = {} } = options
  const functions = new Map<string, GoFunc>(Object.entries({ ...BUILTINS, ...sprigFunctions(clock, environment) }))
  const expressions = new ExpressionCompiler(functions)
  return {
    compile(source, name = 'template') {
      let changesMaps = false
      const set = parseTemplate(name, source, (known) => {
        changesMaps ||= CHANGES_MAPS.has(known)
        return functions.has(known)
      })
      const templates = new Map<string, Exec>()
      for (const [key, list] of set) templates.set(key, compileList(list, expressions))
      const main = templates.get(name) as Exec
      const program: Program = { name, source, templates, changesMaps }
      const simple = compileSimple(set.get(name)?.nodes ?? [])
      return { render: (exchange) => simple?.(exchange) ?? execute(program, main, exchange) }
    },
  }
}

/** Compiles with the functions of Oathkeeper, those that reach the environment failing when they are called. */
export function compileTemplate(source: string, name?: string): CompiledTemplate {
  standard ??= createTemplateCompiler()
  return standard.compile(source, name)
}

let standard: TemplateCompiler | undefined

function execute(program: Program, main: Exec, exchange: Exchange): string {
  const run = new Run(program)
  const session = sessionOf(exchange, program.changesMaps)
  run.push('$', session)
  try {
    main(run, session)
  } catch (cause) {
    throw failure(cause)
  }
  return rejoin(run.out)
}

function failure(cause: unknown): unknown {
  if (cause instanceof ExecError) return new GateError('ERR_TEMPLATE_FAILED', { reason: cause.message })
  // The stack is full: templates that call each other out of many ifs. Nothing is lost but this rendering.
  if (cause instanceof RangeError)
    return new GateError('ERR_TEMPLATE_FAILED', { cause, reason: 'template is nested too deeply' })
  return cause
}
