import type { Problem } from '../kernel/problem.ts'
import type { HttpMatch, Rule, RpcMatch } from '../kernel/rule.ts'
import { DocumentError, formatPath, type LineMap } from '../lib/document.ts'
import { jsonLines, parseJson } from '../lib/json.ts'
import { parseGoYaml, yamlLines } from '../lib/yaml.ts'
import { TimeSlice } from '../lib/time-slice.ts'
import { type CompiledPattern, compilePattern, type MatchingStrategy } from './patterns/compile.ts'
import { readRules } from './wire.ts'

/** A rule that was read, with the pattern of what it matches. */
export interface ReadRule {
  readonly rule: Rule
  readonly pattern: CompiledPattern | undefined
}

/** What a source holds: all of it, and what is probably a slip; or what is wrong with it. */
export type SourceContent =
  | { readonly rules: readonly ReadRule[]; readonly warnings: readonly Problem[] }
  | { readonly problems: readonly Problem[] }

/**
 * Reads a source whole or not at all: one rule of the wrong shape, or with a pattern that does not compile, and nothing of it
 * is taken. What is valid JSON is JSON, everything else YAML, whatever the name of the file.
 */
export async function readSource(
  source: string,
  content: Uint8Array,
  strategy: MatchingStrategy,
): Promise<SourceContent> {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8')
  let document: unknown
  let isJson: boolean
  try {
    ;({ document, isJson } = parse(text))
  } catch (cause: unknown) {
    if (!(cause instanceof DocumentError)) throw cause
    const place = cause.line === undefined ? { source } : { source, line: cause.line }
    return { problems: [{ ...place, path: '', message: cause.message }] }
  }
  const { rules, problems, warnings } = readRules(document, !isJson)
  const found = problems.map(({ path, message, ruleId }) => ({ path: formatPath(path), message, ruleId }))
  const read: ReadRule[] = []
  const slice = new TimeSlice()
  for (const [index, rule] of rules.entries()) {
    if (slice.isOver) await slice.next()
    try {
      read.push({ rule, pattern: rule.match && compilePattern(targetOf(rule.match), strategy) })
    } catch (cause: unknown) {
      const message = cause instanceof Error ? cause.message : String(cause)
      const key = rule.match?.kind === 'rpc' ? 'full_method' : 'url'
      found.push({ path: `[${index}].match.${key}`, message: `does not compile: ${message}`, ruleId: rule.id })
    }
  }
  if (found.length === 0 && warnings.length === 0) return { rules: read, warnings: [] }
  const lines: LineMap = isJson ? jsonLines(text) : yamlLines(text)
  const place = ({ path, message, ruleId }: (typeof found)[number]): Problem => {
    const line = lines.get(path)
    return { source, ...(line !== undefined && { line }), ...(ruleId && { ruleId }), path, message }
  }
  if (found.length > 0) return { problems: found.map(place) }
  return { rules: read, warnings: warnings.map((warning) => place({ ...warning, path: formatPath(warning.path) })) }
}

/** The URL of an RPC method has a scheme of its own, as in Oathkeeper. */
function targetOf(match: HttpMatch | RpcMatch): string {
  return match.kind === 'http' ? match.url : `rpc://${match.authority}/${match.fullMethod}`
}

function parse(text: string): { document: unknown; isJson: boolean } {
  try {
    return { document: parseJson(text), isJson: true }
  } catch (cause: unknown) {
    if (!(cause instanceof DocumentError)) throw cause
    // A document that is meant to be JSON is told of its mistake as JSON.
    if (/^\s*[[{]/.test(text)) return yamlOrElse(text, cause)
    return { document: parseGoYaml(text), isJson: false }
  }
}

/** Flow collections of YAML begin like JSON. */
function yamlOrElse(text: string, jsonMistake: DocumentError): { document: unknown; isJson: boolean } {
  try {
    return { document: parseGoYaml(text), isJson: false }
  } catch (cause: unknown) {
    throw cause instanceof DocumentError ? jsonMistake : cause
  }
}
