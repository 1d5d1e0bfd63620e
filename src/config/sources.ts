import type { Problem } from '../kernel/problem.ts'
import { deepMerge, isPlainObject, type PlainObject } from '../lib/deep-merge.ts'
import { formatPath, type KeyPath } from '../lib/document.ts'
import { readOverrides, setAt } from './environment.ts'
import { resolveFilePaths } from './file-paths.ts'
import type { KeyProblem } from './issues.ts'
import { nodeAt, type SchemaNode } from './json-schema.ts'
import { FILE_CONTENT, type Layer, readLayer } from './layers.ts'
import { lineOf, type Place, Provenance } from './provenance.ts'
import { readSecretFiles, secretOf } from './secret-files.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Everything that was written: the files, merged, and the environment on top, with where each key comes from. */
export class Sources {
  readonly #schema: SchemaNode
  readonly #provenance = new Provenance()
  /** By path: what to say instead of a value that may be a secret. */
  readonly #concealed = new Map<string, string>()
  /** Every file that counts, by absolute path, with what it held; `undefined` for one that cannot be read. */
  readonly files = new Map<string, Buffer | undefined>()
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []
  document: PlainObject = {}

  constructor(files: readonly string[], env: Environment, schema: SchemaNode) {
    this.#schema = schema
    for (const file of files) this.#addLayer(readLayer(file, schema, env))
    this.#addEnvironment(env)
  }

  /** What to say instead of the value at a path; nothing when the value may be shown. */
  concealed(path: string): string | undefined {
    return this.#concealed.get(path)
  }

  locate(path: KeyPath): Place {
    return this.#provenance.locate(path)
  }

  toProblem(problem: KeyProblem): Problem {
    return inPlace(this.locate(problem.path), problem)
  }

  #addLayer(layer: Layer): void {
    this.document = deepMerge(this.document, layer.value)
    this.#provenance.note(layer.value, [], layer.file, layer.lines)
    this.#remember(layer.files, layer.concealed)
    for (const problem of layer.problems) {
      const line = problem.line ?? lineOf(layer.lines(), problem.path)
      this.problems.push(inPlace({ source: layer.file, ...(line !== undefined && { line }) }, problem))
    }
  }

  #addEnvironment(env: Environment): void {
    const { overrides, problems, warnings } = readOverrides(this.#schema, env)
    this.problems.push(...problems.map((problem) => inPlace({ source: `env:${problem.variable}` }, problem)))
    this.warnings.push(...warnings.map((warning) => inPlace({ source: `env:${warning.variable}` }, warning)))
    for (const { variable, path, value } of overrides) {
      const source = `env:${variable}`
      const secret = secretPathOf(path, this.#schema)
      // The file that a variable names goes before a secret that a file holds; two variables contradict each other.
      const base =
        secret === undefined || this.locate(secret).source?.startsWith('env:')
          ? this.document
          : withoutKey(this.document, secret)
      const document = setAt(base, path, value)
      if (document === undefined) {
        this.problems.push(inPlace({ source }, { path, message: 'names an item behind the end of its list' }))
        continue
      }
      this.document = document
      this.#concealed.delete(formatPath(path))
      this.#provenance.note(value, path, source)
    }
    this.#readFromWorkingFolder()
  }

  /** What is left of files to read and paths to resolve came from the environment. */
  #readFromWorkingFolder(): void {
    const secrets = readSecretFiles(this.document, this.#schema, '.')
    this.problems.push(...secrets.problems.map((problem) => this.toProblem(problem)))
    this.#remember(secrets.files, new Map(secrets.read.map((path) => [path, FILE_CONTENT])))
    this.document = resolveFilePaths(secrets.value, this.#schema, '.')
  }

  #remember(files: ReadonlyMap<string, Buffer | undefined>, concealed: ReadonlyMap<string, string>): void {
    for (const [file, content] of files) this.files.set(file, content)
    for (const [path, text] of concealed) this.#concealed.set(path, text)
  }
}

function inPlace(place: Place, { path, message }: KeyProblem): Problem {
  return { ...place, path: formatPath(path), message }
}

/** The path of the secret that the path names the file of. */
function secretPathOf(path: KeyPath, schema: SchemaNode): KeyPath | undefined {
  const parent = path.slice(0, -1)
  const secret = secretOf(String(path.at(-1)), nodeAt(schema, parent))
  return secret === undefined ? undefined : [...parent, secret]
}

function withoutKey(document: PlainObject, path: KeyPath): PlainObject {
  const [step, ...rest] = path
  if (step === undefined || !Object.hasOwn(document, step)) return document
  const { [step]: value, ...others } = document
  if (rest.length === 0) return others
  if (Array.isArray(value)) {
    return {
      ...others,
      [step]: value.map((item: unknown, index) =>
        index === rest[0] && isPlainObject(item) ? withoutKey(item, rest.slice(1)) : item,
      ),
    }
  }
  return isPlainObject(value) ? { ...others, [step]: withoutKey(value, rest) } : document
}
