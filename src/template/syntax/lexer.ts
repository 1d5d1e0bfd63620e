import { isPrintable, quoteString } from '../format/quote.ts'

export type TokenType =
  | 'error'
  | 'eof'
  | 'text'
  | 'left'
  | 'right'
  | 'space'
  | 'assign'
  | 'declare'
  | 'pipe'
  | 'char'
  | 'char-constant'
  | 'number'
  | 'complex'
  | 'string'
  | 'raw-string'
  | 'variable'
  | 'field'
  | 'identifier'
  | 'bool'
  | 'left-paren'
  | 'right-paren'
  | 'keyword'

export interface Token {
  readonly type: TokenType
  readonly value: string
  /** Index in the source. */
  readonly at: number
  /** 1-based. */
  readonly line: number
}

const KEYWORDS = new Set([
  '.',
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'nil',
  'range',
  'template',
  'with',
])
const SPACE = ' \t\r\n'
const WORD = /[\p{L}\p{Nd}_]/u
const WORD_RUN = /[\p{L}\p{Nd}_]*/uy
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y

/** Cuts a template into tokens, on demand, by the rules of Go's text/template. */
export class Lexer {
  readonly source: string
  #at = 0
  #line = 1
  #inAction = false
  #parens = 0
  #ended = false

  constructor(source: string) {
    this.source = source
  }

  next(): Token {
    if (this.#ended) return { type: 'eof', value: 'EOF', at: this.#at, line: this.#line }
    return this.#inAction ? this.#action() : this.#text()
  }

  #text(): Token {
    for (;;) {
      const start = this.#at
      const open = this.source.indexOf('{{', start)
      if (open < 0) {
        const text = this.source.slice(start)
        if (text !== '') return this.#take('text', this.source.length)
        this.#ended = true
        return this.#take('eof', start, 'EOF')
      }
      const trimmed = isTrimMarker(this.source, open + 2) ? trimEnd(this.source, start, open) : open
      if (trimmed > start) {
        const token = this.#take('text', trimmed)
        this.#skipTo(open)
        return token
      }
      this.#skipTo(open)
      const marker = isTrimMarker(this.source, open + 2) ? 2 : 0
      if (!this.source.startsWith('/*', open + 2 + marker)) {
        const token = this.#take('left', open + 2)
        this.#skipTo(open + 2 + marker)
        this.#inAction = true
        this.#parens = 0
        return token
      }
      const failure = this.#comment(open + 2 + marker)
      if (failure !== undefined) return failure
    }
  }

  /** Skips a comment; gives a token only when it is not a proper one. */
  #comment(start: number): Token | undefined {
    this.#skipTo(start)
    const close = this.source.indexOf('*/', start + 2)
    if (close < 0) return this.#error('unclosed comment')
    const end = close + 2
    const trims = this.#rightDelimiter(end)
    if (trims === undefined) return this.#error('comment ends before closing delimiter')
    const after = end + (trims ? 4 : 2)
    this.#skipTo(trims ? trimStart(this.source, after) : after)
    return undefined
  }

  #action(): Token {
    const { source } = this
    const start = this.#at
    const trims = this.#rightDelimiter(start)
    if (trims !== undefined) return this.#parens === 0 ? this.#close(trims) : this.#error('unclosed left paren')
    const char = source[start]
    if (char === undefined) return this.#error('unclosed action')
    if (SPACE.includes(char)) return this.#space()
    switch (char) {
      case '=':
        return this.#take('assign', start + 1)
      case ':':
        return source[start + 1] === '=' ? this.#take('declare', start + 2) : this.#error('expected :=')
      case '|':
        return this.#take('pipe', start + 1)
      case '"':
        return this.#quoted('"', 'string', 'unterminated quoted string')
      case "'":
        return this.#quoted("'", 'char-constant', 'unterminated character constant')
      case '`': {
        const end = source.indexOf('`', start + 1)
        return end < 0 ? this.#error('unterminated raw quoted string') : this.#take('raw-string', end + 1)
      }
      case '$':
        return this.#fieldOrVariable('variable')
      case '(':
        this.#parens++
        return this.#take('left-paren', start + 1)
      case ')':
        if (--this.#parens < 0) return this.#error('unexpected right paren')
        return this.#take('right-paren', start + 1)
      default:
        return this.#word(char, start)
    }
  }

  #word(char: string, start: number): Token {
    const following = this.source[start + 1] ?? ''
    if (char === '.' && following !== '' && !(following >= '0' && following <= '9'))
      return this.#fieldOrVariable('field')
    if (char === '.' || char === '+' || char === '-' || (char >= '0' && char <= '9')) return this.#number()
    const rune = String.fromCodePoint(this.source.codePointAt(start) as number)
    if (WORD.test(rune)) return this.#identifier()
    if (char > ' ' && char < '\x7f') return this.#take('char', start + 1)
    return this.#error(`unrecognized character in action: ${describeRune(rune)}`)
  }

  #space(): Token {
    let end = this.#at
    while (end < this.source.length && SPACE.includes(this.source[end] as string)) end++
    // The last space may belong to a trim marker before the closing delimiter.
    if (this.#rightDelimiter(end - 1) === true) {
      if (end - this.#at === 1) return this.#close(true)
      end--
    }
    return this.#take('space', end)
  }

  #close(trims: boolean): Token {
    if (trims) this.#skipTo(this.#at + 2)
    const token = this.#take('right', this.#at + 2)
    if (trims) this.#skipTo(trimStart(this.source, this.#at))
    this.#inAction = false
    return token
  }

  #quoted(quote: string, type: TokenType, unterminated: string): Token {
    const { source } = this
    for (let i = this.#at + 1; i < source.length && source[i] !== '\n'; i++) {
      if (source[i] === quote) return this.#take(type, i + 1)
      if (source[i] === '\\' && source[++i] === '\n') break
    }
    return this.#error(unterminated)
  }

  #identifier(): Token {
    const end = this.#wordEnd(this.#at)
    if (!this.#isTerminated(end)) return this.#badCharacter(end)
    const word = this.source.slice(this.#at, end)
    if (KEYWORDS.has(word)) return this.#take('keyword', end)
    return this.#take(word === 'true' || word === 'false' ? 'bool' : 'identifier', end)
  }

  #fieldOrVariable(type: 'field' | 'variable'): Token {
    const start = this.#at + 1
    if (this.#isTerminated(start)) return this.#take(type === 'field' ? 'keyword' : 'variable', start)
    const end = this.#wordEnd(start)
    return this.#isTerminated(end) ? this.#take(type, end) : this.#badCharacter(end)
  }

  #number(): Token {
    const first = this.#scanNumber(this.#at)
    if (first.bad) return this.#error(`bad number syntax: ${quoteString(this.source.slice(this.#at, first.end))}`)
    const sign = this.source[first.end]
    if (sign !== '+' && sign !== '-') return this.#take('number', first.end)
    const second = this.#scanNumber(first.end)
    if (second.bad || this.source[second.end - 1] !== 'i') {
      return this.#error(`bad number syntax: ${quoteString(this.source.slice(this.#at, second.end))}`)
    }
    return this.#take('complex', second.end)
  }

  #scanNumber(start: number): { end: number; bad: boolean } {
    NUMBER.lastIndex = start
    NUMBER.test(this.source)
    const end = Math.max(NUMBER.lastIndex, start)
    const after = this.source.codePointAt(end)
    if (after === undefined) return { end, bad: false }
    const rune = String.fromCodePoint(after)
    return WORD.test(rune) ? { end: end + rune.length, bad: true } : { end, bad: false }
  }

  #wordEnd(start: number): number {
    WORD_RUN.lastIndex = start
    WORD_RUN.test(this.source)
    return Math.max(WORD_RUN.lastIndex, start)
  }

  /** Whether a name may end here: `$x+2` is no expression. */
  #isTerminated(at: number): boolean {
    const char = this.source[at]
    return char === undefined || ' \t\r\n.,|:)('.includes(char) || this.source.startsWith('}}', at)
  }

  #badCharacter(at: number): Token {
    return this.#error(`bad character ${describeRune(String.fromCodePoint(this.source.codePointAt(at) as number))}`)
  }

  /** `undefined`: no closing delimiter here; else whether it trims what follows. */
  #rightDelimiter(at: number): boolean | undefined {
    const char = this.source[at]
    if (char !== undefined && SPACE.includes(char) && this.source.startsWith('-}}', at + 1)) return true
    return this.source.startsWith('}}', at) ? false : undefined
  }

  #take(type: TokenType, end: number, value = this.source.slice(this.#at, end)): Token {
    const token = { type, value, at: this.#at, line: this.#line }
    this.#skipTo(end)
    return token
  }

  #error(message: string): Token {
    this.#ended = true
    return { type: 'error', value: message, at: this.#at, line: this.#line }
  }

  #skipTo(end: number): void {
    for (let i = this.source.indexOf('\n', this.#at); i >= 0 && i < end; i = this.source.indexOf('\n', i + 1)) {
      this.#line++
    }
    this.#at = end
  }
}

/** As Go's `%#U`. */
function describeRune(rune: string): string {
  const code = (rune.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')
  return isPrintable(rune) ? `U+${code} '${rune}'` : `U+${code}`
}

function isTrimMarker(source: string, at: number): boolean {
  const space = source[at + 1]
  return source[at] === '-' && space !== undefined && SPACE.includes(space)
}

function trimEnd(source: string, start: number, end: number): number {
  while (end > start && SPACE.includes(source[end - 1] as string)) end--
  return end
}

function trimStart(source: string, start: number): number {
  while (start < source.length && SPACE.includes(source[start] as string)) start++
  return start
}
