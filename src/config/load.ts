import { type Problem, ProblemsError } from '../kernel/problem.ts'
import type { PlainObject } from '../lib/deep-merge.ts'
import { applyLoginDefaults, checkSections, completeConfig, type Sections, sectionWarnings } from './complete.ts'
import type { Config } from './config.ts'
import { corsWarnings } from './cors-warnings.ts'
import { describeIssues } from './issues.ts'
import { configJsonSchema, type SchemaNode } from './json-schema.ts'
import { parsePath, type Place } from './provenance.ts'
import { type ConfigSchema, createConfigSchema } from './schema/config.ts'
import type { HandlerSchema } from './schema/handlers.ts'
import { tracingWarnings } from './tracing-warnings.ts'
import { Sources } from './sources.ts'

export interface LoadOptions {
  /** In the order of the command line; each is laid on those before it. */
  readonly files: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Every handler that exists: its schema checks its part of the configuration. */
  readonly handlers: readonly HandlerSchema[]
}

export interface LoadedConfig {
  readonly config: Config
  /** What works and is probably not meant. */
  readonly warnings: readonly Problem[]
  /** File and line of a key, such as `errors.handlers.redirect.config.to`, for problems that are found later. */
  readonly locate: (path: string) => Place
  /** Every file that counts, by absolute path, with what it held; `undefined` for one that cannot be read. */
  readonly files: ReadonlyMap<string, Buffer | undefined>
}

export type LoadResult =
  | LoadedConfig
  | { readonly problems: readonly Problem[]; readonly files: ReadonlyMap<string, Buffer | undefined> }

/**
 * Loads the configuration: defaults, then the files, then the environment.
 * @throws {ProblemsError} with everything that is wrong, at once.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const result = tryLoadConfig(options)
  if ('problems' in result) throw new ProblemsError(result.problems)
  return result
}

/** Loads the configuration, or tells what is wrong and which files were read all the same. */
export function tryLoadConfig({ files, env, handlers }: LoadOptions): LoadResult {
  const { schema, tree } = compileSchema(handlers)
  const sources = new Sources(files, env, tree)
  const document = applyLoginDefaults(sources.document)

  const parsed = schema.safeParse(document, { reportInput: true })
  const issues = describeIssues(parsed.error?.issues ?? [], {
    schema: tree,
    concealed: (path) => sources.concealed(path),
  })
  const sections = parseSections(schema, document)
  const misfits = sections === undefined ? [] : checkSections(sections, document)
  const problems = [...sources.problems, ...[...issues, ...misfits].map((problem) => sources.toProblem(problem))]
  if (problems.length > 0 || !parsed.success || sections === undefined) {
    return { problems: inOrder(problems, files), files: sources.files }
  }
  return {
    config: completeConfig(parsed.data),
    warnings: [
      ...sources.warnings,
      ...[
        ...sectionWarnings(sections, document),
        ...corsWarnings(parsed.data.serve),
        ...tracingWarnings(parsed.data.tracing),
      ].map((warning) => sources.toProblem(warning)),
    ],
    locate: (path) => sources.locate(parsePath(path)),
    files: sources.files,
  }
}

interface CompiledSchema {
  readonly schema: ConfigSchema
  readonly tree: SchemaNode
}

/** Made once for a list of handlers: a reload takes the same. */
const COMPILED = new WeakMap<readonly HandlerSchema[], CompiledSchema>()

function compileSchema(handlers: readonly HandlerSchema[]): CompiledSchema {
  const known = COMPILED.get(handlers)
  if (known !== undefined) return known
  const compiled = { schema: createConfigSchema(handlers), tree: configJsonSchema(handlers) }
  COMPILED.set(handlers, compiled)
  return compiled
}

/** The sections that depend on each other, if they are right by themselves: what does not fit is told with all the rest. */
function parseSections({ shape }: ConfigSchema, document: PlainObject): Sections | undefined {
  const login = shape.login.safeParse(document['login'])
  const session = shape.session.safeParse(document['session'])
  const store = shape.session_store.safeParse(document['session_store'])
  if (!login.success || !session.success || !store.success) return undefined
  return { login: login.data, session: session.data, sessionStore: store.data }
}

/** By file in the order of the command line, then by line; the environment last; nothing twice. */
function inOrder(problems: readonly Problem[], files: readonly string[]): Problem[] {
  const rank = ({ source }: Problem): number => {
    const index = source === undefined ? -1 : files.indexOf(source)
    return index === -1 ? files.length : index
  }
  const unique = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...unique.values()].sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0))
}
