import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isPlainObject, type PlainObject, setOwn } from '../lib/deep-merge.ts'
import { formatPath, type KeyPath } from '../lib/document.ts'
import type { KeyProblem } from './issues.ts'
import { childNode, SECRET_FILE_SUFFIX, type SchemaNode } from './json-schema.ts'

export interface WithSecrets {
  readonly value: PlainObject
  /** Paths of the secrets that were read. */
  readonly read: readonly string[]
  /** The files, by absolute path, with what they held; `undefined` for one that cannot be read. */
  readonly files: ReadonlyMap<string, Buffer | undefined>
  readonly problems: readonly KeyProblem[]
}

/** Puts the content of each `<key>_file` in the place of the secret `<key>`. Relative paths begin in `folder`. */
export function readSecretFiles(document: PlainObject, schema: SchemaNode, folder: string): WithSecrets {
  const read: string[] = []
  const files = new Map<string, Buffer | undefined>()
  const problems: KeyProblem[] = []
  return { value: walkObject(document, [], schema), read, files, problems }

  function walk(part: unknown, path: KeyPath, node: SchemaNode | undefined): unknown {
    if (Array.isArray(part)) return part.map((item, index) => walk(item, [...path, index], childNode(node, index)))
    return isPlainObject(part) ? walkObject(part, path, node) : part
  }

  function walkObject(object: PlainObject, path: KeyPath, node: SchemaNode | undefined): PlainObject {
    const out: PlainObject = {}
    for (const [key, part] of Object.entries(object)) {
      const child = [...path, key]
      const secret = secretOf(key, node)
      if (secret === undefined) setOwn(out, key, walk(part, child, childNode(node, key)))
      else if (Object.hasOwn(object, secret)) refuse(child, `is given together with ${secret}; remove one of them`)
      else if (typeof part !== 'string' || part === '') refuse(child, 'must be the path of a file')
      else setOwn(out, secret, readInto([...path, secret], child, part))
    }
    return out
  }

  function readInto(secretPath: KeyPath, filePath: KeyPath, name: string): string {
    const file = resolve(folder, name)
    read.push(formatPath(secretPath))
    try {
      const content = readFileSync(file)
      files.set(file, content)
      // The line end that editors and `echo` leave is no part of the secret.
      return content.toString('utf8').replace(/\r?\n$/, '')
    } catch (cause) {
      files.set(file, undefined)
      refuse(filePath, `names a file that cannot be read: ${file} (${readFailure(cause)})`)
      return ''
    }
  }

  function refuse(path: KeyPath, message: string): void {
    problems.push({ path, message })
  }
}

/** The secret that the key is the file of; nothing when the key is another one. */
export function secretOf(key: string, node: SchemaNode | undefined): string | undefined {
  if (!key.endsWith(SECRET_FILE_SUFFIX)) return undefined
  const secret = key.slice(0, -SECRET_FILE_SUFFIX.length)
  return childNode(node, secret)?.writeOnly === true ? secret : undefined
}

/** Why a file cannot be read, in words. */
export function readFailure(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of its path is not a folder',
  }
  return words[code] ?? (code === '' ? 'unknown reason' : code)
}
