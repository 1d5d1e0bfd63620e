import { isAbsolute, resolve } from 'node:path'
import { isPlainObject, type PlainObject, setOwn } from '../lib/deep-merge.ts'
import { childNode, type SchemaNode } from './json-schema.ts'

/**
 * Makes the paths of files absolute: from the folder of the configuration file that names them, so that it does not matter
 * where the process was started.
 */
export function resolveFilePaths(document: PlainObject, schema: SchemaNode | undefined, folder: string): PlainObject {
  const out: PlainObject = {}
  for (const [key, value] of Object.entries(document)) setOwn(out, key, walk(value, childNode(schema, key)))
  return out

  function walk(value: unknown, node: SchemaNode | undefined): unknown {
    if (typeof value === 'string') return resolveText(value, node, folder)
    if (Array.isArray(value)) return value.map((item, index) => walk(item, childNode(node, index)))
    return isPlainObject(value) ? resolveFilePaths(value, node, folder) : value
  }
}

function resolveText(text: string, node: SchemaNode | undefined, folder: string): string {
  const isPath = [node, ...(node?.anyOf ?? [])].some(
    (option) => option?.format === 'path' && (option.pattern === undefined || new RegExp(option.pattern).test(text)),
  )
  if (isPath && text !== '') return resolve(folder, text)
  if (node?.format === 'uri' && /^file:\/\//i.test(text))
    return `file://${absolute(text.slice('file://'.length), folder)}`
  return text
}

/** `file://x/y`, `file://./x` and `file://../x` are relative, as in Oathkeeper; Windows paths may have a slash in front. */
function absolute(path: string, folder: string): string {
  return isAbsolute(path) || /^\/?[A-Za-z]:[\\/]/.test(path) ? path : resolve(folder, path)
}
