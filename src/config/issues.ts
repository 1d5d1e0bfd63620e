import type { z } from 'zod'
import { isPlainObject } from '../lib/deep-merge.ts'
import { nearest } from '../lib/did-you-mean.ts'
import { formatPath, type KeyPath } from '../lib/document.ts'
import { nodeAt, type SchemaNode } from './json-schema.ts'
import { isLaterKey } from './schema/later.ts'

type Issue = z.core.$ZodIssue

/** A mistake with its place among the keys, not yet in a file. */
export interface KeyProblem {
  readonly path: KeyPath
  readonly message: string
}

export interface IssueContext {
  readonly schema: SchemaNode
  /** What to say instead of the value at this path when it must not be shown, such as where it came from. */
  readonly concealed: (path: string) => string | undefined
}

/** Tells what the schema refused: what was found (never a secret), what is allowed, what was probably meant. */
export function describeIssues(issues: readonly Issue[], context: IssueContext): KeyProblem[] {
  return issues.flatMap((issue) => describe(issue, context))
}

function describe(issue: Issue, context: IssueContext): KeyProblem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
  const at = (message: string): KeyProblem[] => [{ path, message }]
  const node = nodeAt(context.schema, path)
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, path, node)
  if (issue.code === 'invalid_union') return describeUnion(issue, path, context)
  if (issue.input === undefined && issue.code === 'invalid_type') return at(required(node))
  const allowed = allowedBy(issue, node)
  // A check of a whole section that blames one of its keys: what it was given is not what stands there.
  const isOfSection = issue.code === 'custom' && isPlainObject(issue.input)
  if (!allowed.startsWith('must ') || isOfSection) return at(allowed)
  return at(`${allowed}, found ${foundAt(path, issue.input, node, context)}${suggestion(node, issue.input)}`)
}

/** A sentence of ours when the schema has one, else one made from what zod and the schema's node know. */
function allowedBy(issue: Issue, node: SchemaNode | undefined): string {
  if (!/^(Invalid|Too (small|big)|Unrecognized)/.test(issue.message)) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => (value === '' ? '""' : String(value))).join(', ')}`
    case 'too_small':
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? range(node)
        : `must be ${issue.code === 'too_big' ? 'shorter' : 'longer'}`
    case 'invalid_format':
      return node?.pattern === undefined ? 'must have another form' : `must match ${node.pattern}`
    default:
      return 'must be something else'
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section (keys and values)',
  record: 'a section (keys and values)',
}

function range(node: SchemaNode | undefined): string {
  const { minimum, maximum } = node ?? {}
  if (minimum !== undefined && maximum !== undefined) return `must be ${minimum} to ${maximum}`
  return minimum === undefined ? `must be at most ${maximum}` : `must be at least ${minimum}`
}

function required(node: SchemaNode | undefined): string {
  return node?.description === undefined
    ? 'is required'
    : `is required: ${lowerFirst(node.description).replace(/\.$/, '')}`
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]*(?![A-Za-z])/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}

function unknownKeys(keys: readonly string[], path: KeyPath, node: SchemaNode | undefined): KeyProblem[] {
  const known = Object.keys(node?.properties ?? {})
  return keys.map((key) => {
    const child = [...path, key]
    if (isLaterKey(formatPath(child))) return { path: child, message: 'is not supported yet' }
    const meant = nearest(key, known)
    if (meant !== undefined) return { path: child, message: `is not a key here; did you mean ${meant}?` }
    return { path: child, message: `is not a key here; known are ${known.join(', ')}` }
  })
}

/** Of a union the branch for the type that was found; where several are, what each of them allows. */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, path: KeyPath, context: IssueContext): KeyProblem[] {
  const node = nodeAt(context.schema, path)
  if (issue.input === undefined) return [{ path, message: required(node) }]
  const branches = issue.errors.filter(
    (branch) => !branch.some(({ code, path: inner }) => code === 'invalid_type' && inner.length === 0),
  )
  const nested = branches.find((branch) => branch.some((inner) => inner.path.length > 0))
  if (nested !== undefined) {
    return describeIssues(
      nested.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })),
      context,
    )
  }
  const sentences = new Set(
    (branches.length > 0 ? branches : issue.errors).flatMap((branch) =>
      branch.map((inner) => allowedBy(inner, undefined)),
    ),
  )
  const allowed = [...sentences].map((sentence) => sentence.replace(/^must be (one of )?/, '')).join(' or ')
  const found = foundAt(path, issue.input, node, context)
  return [{ path, message: `must be ${allowed}, found ${found}${suggestion(node, issue.input)}` }]
}

/** The one of the allowed words that was probably meant. */
function suggestion(node: SchemaNode | undefined, input: unknown): string {
  if (typeof input !== 'string') return ''
  const words = [node, ...(node?.anyOf ?? [])].flatMap((option) => option?.enum ?? [])
  const meant = nearest(
    input,
    words.filter((word) => typeof word === 'string'),
  )
  return meant === undefined ? '' : `; did you mean ${meant}?`
}

const SECRET_NAME = /pass(word|phrase|wd)?|secret|token|credential|private|authorization|api_?key/i
const MAX_SHOWN = 60

/** What stands there, in words: the value only where it cannot be a secret. */
function foundAt(path: KeyPath, value: unknown, node: SchemaNode | undefined, context: IssueContext): string {
  if (value === undefined || value === null) return 'nothing'
  if (node?.writeOnly === true && !Array.isArray(value)) return typeof value === 'number' ? 'a number' : 'a text'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a section'
  const instead = context.concealed(formatPath(path))
  if (instead !== undefined) return instead
  if (!mayShow(path, value, node)) return typeof value === 'string' ? 'a text' : `a ${typeof value}`
  if (typeof value !== 'string') return String(value)
  // User and password of a URL, and its query.
  const shown = value.replace(/^(.*:\/\/)?.*@/s, '$1…@').replace(/\?.*$/s, '?…')
  return JSON.stringify(shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown)
}

/** No secret, nothing below a key that sounds like one, no text where a whole section is wanted. */
function mayShow(path: KeyPath, value: unknown, node: SchemaNode | undefined): boolean {
  if (node === undefined || node.writeOnly === true) return false
  if (path.some((step) => SECRET_NAME.test(String(step)))) return false
  if (node.type === 'boolean') return /^(true|false|yes|no|on|off|\d)$/i.test(String(value))
  return node.type !== 'object' && node.type !== 'array' && (node.type !== undefined || node.anyOf !== undefined)
}
