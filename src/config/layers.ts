import { readFileSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'
import { isPlainObject, type PlainObject } from '../lib/deep-merge.ts'
import { DocumentError, type LineMap } from '../lib/document.ts'
import { jsonLines, parseJson } from '../lib/json.ts'
import { parseToml, tomlLines } from '../lib/toml.ts'
import { parseYaml, yamlLines } from '../lib/yaml.ts'
import { resolveFilePaths } from './file-paths.ts'
import { interpolate } from './interpolate.ts'
import type { KeyProblem } from './issues.ts'
import type { SchemaNode } from './json-schema.ts'
import { readFailure, readSecretFiles } from './secret-files.ts'

/** One configuration file, read: variables filled in, secrets fetched from their files, paths absolute. */
export interface Layer {
  readonly file: string
  readonly value: PlainObject
  readonly lines: () => LineMap
  /** By path: what to say instead of a value that may be a secret. */
  readonly concealed: ReadonlyMap<string, string>
  /** The file and those that it takes secrets from, with what they held; `undefined` for one that cannot be read. */
  readonly files: ReadonlyMap<string, Buffer | undefined>
  readonly problems: readonly (KeyProblem & { readonly line?: number | undefined })[]
}

/** Instead of a secret that came from a file. */
export const FILE_CONTENT = 'what its file holds'

interface Format {
  parse(text: string): unknown
  lines(text: string): LineMap
}

const YAML: Format = { parse: parseYaml, lines: yamlLines }

/** By the end of the file's name; everything else is YAML, of which JSON is a part. */
const FORMATS: Readonly<Record<string, Format>> = {
  '.json': { parse: parseJson, lines: jsonLines },
  '.toml': { parse: parseToml, lines: tomlLines },
}

/** Reads one configuration file. Never throws for what is in it. */
export function readLayer(file: string, schema: SchemaNode, env: Readonly<Record<string, string | undefined>>): Layer {
  const path = resolve(file)
  const folder = dirname(path)
  const format = FORMATS[extname(file).toLowerCase()] ?? YAML
  let content: Buffer
  try {
    content = readFileSync(path)
  } catch (cause) {
    return broken(file, new Map([[path, undefined]]), `cannot be read: ${readFailure(cause)}`)
  }
  const text = content.toString('utf8')
  const files = new Map<string, Buffer | undefined>([[path, content]])
  const document = parse(text, format)
  if (document instanceof DocumentError) return broken(file, files, document.message, document.line)
  if (!isPlainObject(document)) return broken(file, files, 'must hold keys and values at its root', 1)
  const filled = interpolate(document, schema, env)
  const secrets = readSecretFiles(filled.value, schema, folder)
  const concealed = new Map<string, string>()
  for (const [key, names] of filled.variables) {
    concealed.set(key, `what ${names.map((name) => `\${${name}}`).join(' and ')} holds`)
  }
  for (const key of secrets.read) concealed.set(key, FILE_CONTENT)
  return {
    file,
    value: resolveFilePaths(secrets.value, schema, folder),
    lines: once(() => format.lines(text)),
    concealed,
    files: new Map([...files, ...secrets.files]),
    problems: [...filled.problems, ...secrets.problems],
  }
}

function parse(text: string, format: Format): unknown {
  try {
    return format.parse(text) ?? {}
  } catch (cause) {
    if (cause instanceof DocumentError) return cause
    throw cause
  }
}

function broken(file: string, files: ReadonlyMap<string, Buffer | undefined>, message: string, line?: number): Layer {
  const problems = [{ path: [], message, line }]
  return { file, value: {}, lines: () => new Map(), concealed: new Map(), files, problems }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
