import assert from 'node:assert/strict'
import { GateError } from '../../src/kernel/errors.ts'
import { Exchange } from '../../src/kernel/exchange.ts'
import { createTemplateCompiler, type TemplateCompilerOptions } from '../../src/template/compile-template.ts'
import { requestView, type ViewParts } from './request-view.ts'

/** What a test says of the session that a template sees. */
export interface SessionParts extends TemplateCompilerOptions {
  readonly subject?: string
  readonly extra?: Record<string, unknown>
  readonly captureGroups?: readonly string[]
  readonly request?: ViewParts
}

/** Renders a template for a session of the person alice. */
export function renderTemplate(source: string, parts: SessionParts = {}): string {
  const { subject = 'alice', extra, captureGroups = [], request, ...options } = parts
  const exchange = new Exchange(requestView(request), 'rule', captureGroups)
  exchange.subject = subject
  exchange.extra = extra
  return createTemplateCompiler(options).compile(source, 'rule:X-T').render(exchange)
}

/** The reason for which a template fails. */
export function templateFailure(source: string, parts: SessionParts = {}): string {
  try {
    renderTemplate(source, parts)
  } catch (error) {
    assert.ok(error instanceof GateError, String(error))
    assert.equal(error.code, 'ERR_TEMPLATE_FAILED')
    return error.reason ?? ''
  }
  return assert.fail(`rendered: ${source}`)
}
