import { quoteString } from '../format/quote.ts'
import type { Lexer, Token } from './lexer.ts'
import { TemplateSyntaxError } from './syntax-error.ts'

/** Tokens with three of look-ahead, and what a parser of one template must know beside them. */
export class TokenStream {
  readonly #lexer: Lexer
  readonly #templateName: string
  /** The last tokens, newest first; those before `#peeked` are still to be read. */
  readonly #recent: Token[] = []
  #peeked = 0
  readonly hasFunction: (name: string) => boolean
  /** Names that are in scope, with `$`. */
  readonly variables: string[] = ['$']
  /** Line of the action that is being parsed, 0 outside. */
  actionLine = 0
  /** How many parentheses are open. */
  depth = 0
  /** How many actions are within each other. */
  nesting = 0

  constructor(lexer: Lexer, templateName: string, hasFunction: (name: string) => boolean) {
    this.#lexer = lexer
    this.#templateName = templateName
    this.hasFunction = hasFunction
  }

  /** A stream for a template that is defined at this point: the same source, its own variables. */
  fork(): TokenStream {
    const inner = new TokenStream(this.#lexer, this.#templateName, this.hasFunction)
    inner.nesting = this.nesting
    return inner
  }

  next(): Token {
    if (this.#peeked > 0) this.#peeked--
    else this.#recent[0] = this.#lexer.next()
    return this.#recent[this.#peeked] as Token
  }

  peek(): Token {
    if (this.#peeked > 0) return this.#recent[this.#peeked - 1] as Token
    this.#peeked = 1
    return (this.#recent[0] = this.#lexer.next())
  }

  backup(): void {
    this.#peeked++
  }

  /** Puts back the last token and, before it, `token`. */
  backup2(token: Token): void {
    this.#recent[1] = token
    this.#peeked = 2
  }

  backup3(second: Token, first: Token): void {
    this.#recent[1] = first
    this.#recent[2] = second
    this.#peeked = 3
  }

  nextNonSpace(): Token {
    let token = this.next()
    while (token.type === 'space') token = this.next()
    return token
  }

  peekNonSpace(): Token {
    const token = this.nextNonSpace()
    this.backup()
    return token
  }

  expectRight(context: string): Token {
    const token = this.nextNonSpace()
    return token.type === 'right' ? token : this.unexpected(token, context)
  }

  unexpected(token: Token, context: string): never {
    if (token.type !== 'error') this.fail(`unexpected ${describeToken(token)} in ${context}`)
    let place = ''
    if (this.actionLine !== 0 && this.actionLine !== token.line) {
      place = ` in action started at ${this.#templateName}:${this.actionLine}`
      if (token.value.endsWith(' action')) place = place.slice(' in action'.length)
    }
    this.fail(token.value + place)
  }

  fail(message: string): never {
    throw new TemplateSyntaxError(this.#templateName, this.#recent[0]?.line ?? 0, message)
  }
}

function describeToken(token: Token): string {
  if (token.type === 'eof') return 'EOF'
  if (token.type === 'keyword') return `<${token.value}>`
  if (Buffer.byteLength(token.value) > 10) return `${quoteString([...token.value].slice(0, 10).join(''))}...`
  return quoteString(token.value)
}
