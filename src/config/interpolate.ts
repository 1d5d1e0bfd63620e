import { isPlainObject, type PlainObject, setOwn } from '../lib/deep-merge.ts'
import { formatPath, type KeyPath } from '../lib/document.ts'
import type { KeyProblem } from './issues.ts'
import { childNode, type SchemaNode } from './json-schema.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface Interpolated {
  readonly value: PlainObject
  /** Paths of the texts that held variables, with the variables' names: what they hold now may be a secret. */
  readonly variables: ReadonlyMap<string, readonly string[]>
  readonly problems: readonly KeyProblem[]
}

/** `$$`, `${NAME}`, `${NAME:-default}`, or the beginning of a variable that is none of these. */
const VARIABLE = /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g

/**
 * Puts environment variables into every text of a file. What a variable holds is text and stays text: it is never read as
 * YAML, and no variable in it is looked up. Only where the schema wants a number or a boolean it becomes one.
 */
export function interpolate(document: PlainObject, schema: SchemaNode, env: Environment): Interpolated {
  const variables = new Map<string, string[]>()
  const problems: KeyProblem[] = []

  function walk(value: unknown, path: KeyPath, node: SchemaNode | undefined): unknown {
    if (typeof value === 'string') return substitute(value, path, node)
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index], childNode(node, index)))
    return isPlainObject(value) ? walkObject(value, path, node) : value
  }

  function walkObject(object: PlainObject, path: KeyPath, node: SchemaNode | undefined): PlainObject {
    const out: PlainObject = {}
    for (const [key, value] of Object.entries(object))
      setOwn(out, key, walk(value, [...path, key], childNode(node, key)))
    return out
  }

  function substitute(text: string, path: KeyPath, node: SchemaNode | undefined): unknown {
    if (!text.includes('$')) return text
    const used: string[] = []
    const replaced = text.replace(VARIABLE, (match, name: string | undefined, fallback: string | undefined) => {
      if (match === '$$') return '$'
      if (name === undefined) {
        problems.push({
          path,
          message: 'has "${" that begins no variable such as ${NAME}; write $${ for the text itself',
        })
        return match
      }
      used.push(name)
      const value = env[name]
      if (fallback !== undefined && (value === undefined || value === '')) return fallback
      if (value !== undefined) return value
      problems.push({
        path,
        message: `needs the environment variable ${name}, which is not set; set it, or give a default: \${${name}:-…}`,
      })
      return match
    })
    if (used.length === 0) return replaced
    variables.set(formatPath(path), used)
    return toSchemaType(replaced, node)
  }

  return { value: walkObject(document, [], schema), variables, problems }
}

/** A text as the type that the schema wants, where it spells one exactly; else the text, for the schema to refuse. */
function toSchemaType(text: string, node: SchemaNode | undefined): unknown {
  switch (node?.type) {
    case 'integer':
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    default:
      return text
  }
}
