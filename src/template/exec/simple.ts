import type { Exchange } from '../../kernel/exchange.ts'
import type { OperandNode, StatementNode } from '../syntax/node.ts'

/** Gives the text, or nothing when this request needs the whole machinery. */
type Simple = (exchange: Exchange) => string | undefined

/**
 * Compiles what nearly every template is, text with texts of the session, to a function that does next to nothing.
 * Anything unusual, in the template or in the data, is left to the general way: only strings are taken here.
 */
export function compileSimple(nodes: readonly StatementNode[]): Simple | undefined {
  const parts: Simple[] = []
  for (const node of nodes) {
    if (node.kind === 'text') {
      const { text } = node
      parts.push(() => text)
      continue
    }
    const part = node.kind === 'action' && node.pipe.variables.length === 0 ? compilePart(node) : undefined
    if (part === undefined) return undefined
    parts.push(part)
  }
  const [only] = parts
  if (only !== undefined && parts.length === 1) return only
  return (exchange) => {
    let out = ''
    for (const part of parts) {
      const text = part(exchange)
      if (text === undefined) return undefined
      out += text
    }
    return out
  }
}

function compilePart({
  pipe,
}: {
  readonly pipe: { readonly commands: readonly { readonly args: readonly OperandNode[] }[] }
}): Simple | undefined {
  const [command] = pipe.commands
  if (command === undefined || pipe.commands.length !== 1) return undefined
  const [first, second] = command.args
  if (first?.kind === 'field' && command.args.length === 1) return compilePath(first.path)
  // `print` of a text is the text.
  const isPrint = first?.kind === 'identifier' && first.name === 'print' && command.args.length === 2
  return isPrint && second?.kind === 'field' ? compilePath(second.path) : undefined
}

function compilePath(path: readonly string[]): Simple | undefined {
  const [root, key] = path
  if (root === 'Subject' && path.length === 1) return ({ subject }) => subject
  if (root !== 'Extra' || key === undefined) return undefined
  if (path.length === 2) return ({ extra }) => textOf(propertyOf(extra, key))
  const keys = path.slice(1)
  return ({ extra }) => {
    let value: unknown = extra
    for (const name of keys) value = propertyOf(value, name)
    return textOf(value)
  }
}

function propertyOf(map: unknown, key: string): unknown {
  const isMap = typeof map === 'object' && map !== null && !Array.isArray(map) && Object.hasOwn(map, key)
  return isMap ? (map as Readonly<Record<string, unknown>>)[key] : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
