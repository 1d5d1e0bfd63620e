import { quoteString } from '../format/quote.ts'
import { describeNode } from './describe-node.ts'
import { Lexer, type Token } from './lexer.ts'
import type { ListNode, PipeNode, StatementNode } from './node.ts'
import { parsePipeline } from './pipeline-parser.ts'
import { TokenStream } from './token-stream.ts'
import { unquote } from './unquote.ts'

/** Nobody writes that many ifs within each other, and ours must not exhaust the stack. */
const MAX_NESTING = 200

/** What a source defines: itself under its own name, and each `define` and `block`. */
export type TemplateSet = ReadonlyMap<string, ListNode>

/** What ends a list of statements. */
interface Terminator {
  readonly kind: 'end' | 'else'
  readonly at: number
}

/**
 * Parses a template by Go's grammar.
 * @throws {TemplateSyntaxError}
 */
export function parseTemplate(name: string, source: string, hasFunction: (name: string) => boolean): TemplateSet {
  const set = new Map<string, ListNode>()
  const lexer = new Lexer(source)
  new TreeParser(new TokenStream(lexer, name, hasFunction), set, name).parseRoot()
  return set
}

/** Parses one template of a source; a definition inside is parsed by a parser of its own on the same lexer. */
class TreeParser {
  readonly #tokens: TokenStream
  readonly #set: Map<string, ListNode>
  #name: string
  #rangeDepth = 0

  constructor(tokens: TokenStream, set: Map<string, ListNode>, name: string) {
    this.#tokens = tokens
    this.#set = set
    this.#name = name
  }

  parseRoot(): void {
    const tokens = this.#tokens
    const at = tokens.peek().at
    const nodes: StatementNode[] = []
    while (tokens.peek().type !== 'eof') {
      if (tokens.peek().type === 'left') {
        const delimiter = tokens.next()
        if (isKeyword(tokens.nextNonSpace(), 'define')) {
          new TreeParser(tokens.fork(), this.#set, '').#parseDefinition()
          continue
        }
        tokens.backup2(delimiter)
      }
      const node = this.#textOrAction()
      if (isTerminator(node)) return tokens.fail(`unexpected {{${node.kind}}}`)
      nodes.push(node)
    }
    this.#add({ kind: 'list', at, nodes })
  }

  #parseDefinition(): void {
    const tokens = this.#tokens
    const context = 'define clause'
    const token = tokens.nextNonSpace()
    if (token.type !== 'string' && token.type !== 'raw-string') tokens.unexpected(token, context)
    this.#name = this.#unquoted(token)
    tokens.expectRight(context)
    const [list, end] = this.#list()
    if (end.kind !== 'end') tokens.fail(`unexpected {{${end.kind}}} in ${context}`)
    this.#add(list)
  }

  #add(list: ListNode): void {
    const known = this.#set.get(this.#name)
    if (known === undefined || isEmpty(known)) {
      this.#set.set(this.#name, list)
      return
    }
    if (!isEmpty(list)) this.#tokens.fail(`template: multiple definition of template ${quoteString(this.#name)}`)
  }

  #list(): [ListNode, Terminator] {
    const tokens = this.#tokens
    const at = tokens.peekNonSpace().at
    const nodes: StatementNode[] = []
    while (tokens.peekNonSpace().type !== 'eof') {
      const node = this.#textOrAction()
      if (isTerminator(node)) return [{ kind: 'list', at, nodes }, node]
      nodes.push(node)
    }
    return tokens.fail('unexpected EOF')
  }

  #textOrAction(): StatementNode | Terminator {
    const token = this.#tokens.nextNonSpace()
    if (token.type === 'text') return { kind: 'text', at: token.at, text: token.value }
    if (token.type !== 'left') this.#tokens.unexpected(token, 'input')
    this.#tokens.actionLine = token.line
    const node = this.#action()
    this.#tokens.actionLine = 0
    return node
  }

  #action(): StatementNode | Terminator {
    const tokens = this.#tokens
    const token = tokens.nextNonSpace()
    if (++tokens.nesting > MAX_NESTING) tokens.fail('too many actions within each other')
    const node = this.#actionAfter(token)
    tokens.nesting--
    return node
  }

  #actionAfter(token: Token): StatementNode | Terminator {
    const tokens = this.#tokens
    if (token.type === 'keyword') {
      switch (token.value) {
        case 'block':
          return this.#block()
        case 'break':
        case 'continue':
          return this.#jump(token.value, token.at)
        case 'else':
          return this.#else()
        case 'end':
          return { kind: 'end', at: tokens.expectRight('end').at }
        case 'if':
        case 'range':
        case 'with':
          return this.#control(token.value)
        case 'template':
          return this.#template()
      }
    }
    tokens.backup()
    const at = tokens.peek().at
    return { kind: 'action', at, pipe: parsePipeline(tokens, 'command', 'right') }
  }

  #jump(kind: 'break' | 'continue', at: number): StatementNode {
    const token = this.#tokens.nextNonSpace()
    if (token.type !== 'right') this.#tokens.unexpected(token, `{{${kind}}}`)
    if (this.#rangeDepth === 0) this.#tokens.fail(`{{${kind}}} outside {{range}}`)
    return { kind, at }
  }

  #else(): Terminator {
    const next = this.#tokens.peekNonSpace()
    // `else if` and `else with` are an else with the keyword still to come.
    if (isKeyword(next, 'if') || isKeyword(next, 'with')) return { kind: 'else', at: next.at }
    return { kind: 'else', at: this.#tokens.expectRight('else').at }
  }

  #control(kind: 'if' | 'with' | 'range'): StatementNode {
    const tokens = this.#tokens
    const scope = tokens.variables.length
    const pipe = parsePipeline(tokens, kind, 'right')
    if (kind === 'range') this.#rangeDepth++
    const [list, end] = this.#list()
    if (kind === 'range') this.#rangeDepth--
    const elseList = end.kind === 'else' ? this.#elseList(kind, end.at) : undefined
    tokens.variables.length = scope
    return { kind, at: pipe.at, pipe, list, elseList }
  }

  #elseList(kind: 'if' | 'with' | 'range', at: number): ListNode {
    const tokens = this.#tokens
    if (kind !== 'range' && isKeyword(tokens.peek(), kind)) {
      tokens.next()
      return { kind: 'list', at, nodes: [this.#control(kind)] }
    }
    const [list, end] = this.#list()
    if (end.kind !== 'end') tokens.fail(`expected end; found {{${end.kind}}}`)
    return list
  }

  #block(): StatementNode {
    const tokens = this.#tokens
    const context = 'block clause'
    const token = tokens.nextNonSpace()
    const name = this.#templateName(token, context)
    const pipe = parsePipeline(tokens, context, 'right')
    const inner = new TreeParser(tokens.fork(), this.#set, name)
    const [list, end] = inner.#list()
    if (end.kind !== 'end') tokens.fail(`unexpected {{${end.kind}}} in ${context}`)
    inner.#add(list)
    return { kind: 'template', at: token.at, name, pipe }
  }

  #template(): StatementNode {
    const tokens = this.#tokens
    const context = 'template clause'
    const token = tokens.nextNonSpace()
    const name = this.#templateName(token, context)
    let pipe: PipeNode | undefined
    if (tokens.nextNonSpace().type !== 'right') {
      tokens.backup()
      pipe = parsePipeline(tokens, context, 'right')
    }
    return { kind: 'template', at: token.at, name, pipe }
  }

  #templateName(token: Token, context: string): string {
    if (token.type !== 'string' && token.type !== 'raw-string') this.#tokens.unexpected(token, context)
    return this.#unquoted(token)
  }

  #unquoted(token: Token): string {
    return unquote(token.value) ?? this.#tokens.fail('invalid syntax')
  }
}

function isKeyword(token: Token, word: string): boolean {
  return token.type === 'keyword' && token.value === word
}

function isTerminator(node: StatementNode | Terminator): node is Terminator {
  return node.kind === 'end' || node.kind === 'else'
}

/** Whether a template holds nothing but white space. */
function isEmpty(list: ListNode): boolean {
  return list.nodes.every((node) => node.kind === 'text' && describeNode(node).trim() === '')
}
