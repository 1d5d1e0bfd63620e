import type { z } from 'zod'
import { isPlainObject } from '../lib/deep-merge.ts'

/** One thing that is wrong with a handler's configuration. */
export interface ConfigIssue {
  /** Keys inside the handler's `config`. */
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** Tells a schema's objections one by one, an unknown key in Oathkeeper's words. */
export function readIssues(error: z.ZodError): ConfigIssue[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: lowerFirst(issue.message) }]
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `additional property ${key} is not allowed`,
    }))
  })
}

/** Writes keys as a path below `prefix`: `authenticators[0].config.subject`. */
export function formatPath(prefix: string, keys: readonly PropertyKey[]): string {
  return keys.reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${key}]` : `${path}.${String(key)}`),
    prefix,
  )
}

/** Whether the keys lead to something in the value. */
export function hasPath(value: unknown, keys: readonly PropertyKey[]): boolean {
  const [first, ...rest] = keys
  if (first === undefined) return value !== undefined
  if (Array.isArray(value)) return typeof first === 'number' && hasPath(value[first], rest)
  return isPlainObject(value) && Object.hasOwn(value, first) && hasPath(value[String(first)], rest)
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}
