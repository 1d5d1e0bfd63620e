import { quoteString } from '../format/quote.ts'
import { describeNode } from './describe-node.ts'
import type { CommandNode, OperandNode, PipeNode, VariableNode } from './node.ts'
import { parseNumber } from './number.ts'
import type { TokenStream } from './token-stream.ts'
import { unquote } from './unquote.ts'

/** Go allows 10,000 parentheses; nobody writes a hundred, and ours must not exhaust the stack. */
const MAX_DEPTH = 200

/** Parses `declarations? command ('|' command)*` up to and with the token that ends it. */
export function parsePipeline(tokens: TokenStream, context: string, end: 'right' | 'right-paren'): PipeNode {
  const { at } = tokens.peekNonSpace()
  const { variables, isAssign } = parseDeclarations(tokens, context)
  const commands: CommandNode[] = []
  for (;;) {
    const token = tokens.nextNonSpace()
    if (token.type === end) break
    tokens.backup()
    if (
      !STARTS_OPERAND.has(token.type) &&
      !(token.type === 'keyword' && (token.value === '.' || token.value === 'nil'))
    ) {
      tokens.unexpected(tokens.nextNonSpace(), context)
    }
    commands.push(parseCommand(tokens))
  }
  if (commands.length === 0) tokens.fail(`missing value for ${context}`)
  commands.forEach((command, i) => {
    if (i > 0 && NOT_EXECUTABLE.has((command.args[0] as OperandNode).kind)) {
      tokens.fail(`non executable command in pipeline stage ${i + 1}`)
    }
  })
  return { kind: 'pipe', at, isAssign, variables, commands }
}

const STARTS_OPERAND = new Set([
  'bool',
  'char-constant',
  'complex',
  'field',
  'identifier',
  'number',
  'raw-string',
  'string',
  'variable',
  'left-paren',
])
const NOT_EXECUTABLE = new Set(['bool', 'dot', 'nil', 'number', 'string'])

function parseDeclarations(tokens: TokenStream, context: string): { variables: VariableNode[]; isAssign: boolean } {
  const variables: VariableNode[] = []
  for (;;) {
    const name = tokens.peekNonSpace()
    if (name.type !== 'variable') return { variables, isAssign: false }
    tokens.next()
    const afterName = tokens.peek()
    const next = tokens.peekNonSpace()
    if (next.type === 'assign' || next.type === 'declare') {
      tokens.nextNonSpace()
      declare(tokens, variables, name.value, name.at)
      return { variables, isAssign: next.type === 'assign' }
    }
    if (next.type !== 'char' || next.value !== ',') {
      if (afterName.type === 'space') tokens.backup3(name, afterName)
      else tokens.backup2(name)
      return { variables, isAssign: false }
    }
    tokens.nextNonSpace()
    declare(tokens, variables, name.value, name.at)
    if (context !== 'range' || variables.length >= 2) tokens.fail(`too many declarations in ${context}`)
    const following = tokens.peekNonSpace().type
    if (following !== 'variable' && following !== 'right' && following !== 'right-paren') {
      tokens.fail('range can only initialize variables')
    }
  }
}

function declare(tokens: TokenStream, variables: VariableNode[], name: string, at: number): void {
  variables.push({ kind: 'variable', at, name, path: [] })
  tokens.variables.push(name)
}

function parseCommand(tokens: TokenStream): CommandNode {
  const { at } = tokens.peekNonSpace()
  const args: OperandNode[] = []
  for (;;) {
    tokens.peekNonSpace()
    const operand = parseOperand(tokens)
    if (operand !== undefined) args.push(operand)
    const token = tokens.next()
    if (token.type === 'space') continue
    if (token.type === 'right' || token.type === 'right-paren') tokens.backup()
    else if (token.type !== 'pipe') tokens.unexpected(token, 'operand')
    break
  }
  if (args.length === 0) tokens.fail('empty command')
  return { kind: 'command', at, args }
}

function parseOperand(tokens: TokenStream): OperandNode | undefined {
  const term = parseTerm(tokens)
  if (term === undefined || tokens.peek().type !== 'field') return term
  const { at } = tokens.peek()
  const path: string[] = []
  while (tokens.peek().type === 'field') path.push(tokens.next().value.slice(1))
  switch (term.kind) {
    case 'field':
      return { kind: 'field', at, path: [...term.path, ...path] }
    case 'variable':
      return { kind: 'variable', at, name: term.name, path: [...term.path, ...path] }
    case 'bool':
    case 'string':
    case 'number':
    case 'nil':
    case 'dot':
      return tokens.fail(`unexpected . after term ${quoteString(describeNode(term))}`)
    default:
      return { kind: 'chain', at, of: term, path }
  }
}

function parseTerm(tokens: TokenStream): OperandNode | undefined {
  const token = tokens.nextNonSpace()
  const { at, value } = token
  switch (token.type) {
    case 'identifier':
      if (!tokens.hasFunction(value)) tokens.fail(`function ${quoteString(value)} not defined`)
      return { kind: 'identifier', at, name: value }
    case 'variable':
      if (!tokens.variables.includes(value)) tokens.fail(`undefined variable ${quoteString(value)}`)
      return { kind: 'variable', at, name: value, path: [] }
    case 'field':
      return { kind: 'field', at, path: [value.slice(1)] }
    case 'bool':
      return { kind: 'bool', at, value: value === 'true' }
    case 'number':
    case 'complex':
    case 'char-constant': {
      const number = parseNumber(value, token.type, at)
      return typeof number === 'string' ? tokens.fail(number) : number
    }
    case 'string':
    case 'raw-string':
      return { kind: 'string', at, quoted: value, value: unquote(value) ?? tokens.fail('invalid syntax') }
    case 'left-paren': {
      if (tokens.depth >= MAX_DEPTH) tokens.fail('max expression depth exceeded')
      tokens.depth++
      const pipe = parsePipeline(tokens, 'parenthesized pipeline', 'right-paren')
      tokens.depth--
      return pipe
    }
    case 'keyword':
      if (value === '.') return { kind: 'dot', at }
      if (value === 'nil') return { kind: 'nil', at }
  }
  tokens.backup()
  return undefined
}
