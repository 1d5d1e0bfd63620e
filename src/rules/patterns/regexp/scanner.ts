import { PatternError } from '../delimiters.ts'
import { isWordRune } from './unicode.ts'

/** What `(?imnsx)` switch on. `backward` is set inside look-behinds. */
export interface Options {
  readonly ignoreCase: boolean
  readonly multiline: boolean
  readonly explicitCapture: boolean
  readonly singleLine: boolean
  readonly extended: boolean
  readonly backward: boolean
}

export const NO_OPTIONS: Options = {
  ignoreCase: false,
  multiline: false,
  explicitCapture: false,
  singleLine: false,
  extended: false,
  backward: false,
}

/** Goes over a pattern character by character, with the options that hold there. */
export class Scanner {
  readonly pattern: string
  readonly runes: readonly number[]
  at = 0
  options: Options = NO_OPTIONS
  readonly #saved: Options[] = []

  constructor(pattern: string) {
    this.pattern = pattern
    this.runes = Array.from(pattern, (char) => char.codePointAt(0) ?? 0)
  }

  get left(): number {
    return this.runes.length - this.at
  }

  /** The character `offset` to the right, empty beyond the end. */
  peek(offset = 0): string {
    const rune = this.runes[this.at + offset]
    return rune === undefined ? '' : String.fromCodePoint(rune)
  }

  next(): string {
    const char = this.peek()
    if (char === '') throw this.error('unexpected end')
    this.at++
    return char
  }

  /** Moves on over `text` if it is what comes next. */
  accept(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.peek(i) !== text[i]) return false
    this.at += text.length
    return true
  }

  error(message: string): PatternError {
    return new PatternError(`${message} in the regular expression "${this.pattern}"`)
  }

  saveOptions(): void {
    this.#saved.push(this.options)
  }

  restoreOptions(): void {
    this.options = this.#saved.pop() ?? this.options
  }

  /** What `(?i)` does: the options stay for the rest of the group around. */
  keepOptions(): void {
    this.#saved.pop()
  }

  /** Reads the letters of `(?im-sx`, up to the first that is no option. */
  scanOptions(): void {
    for (let on = true; this.left > 0; this.at++) {
      const char = this.peek()
      if (char === '-') on = false
      else if (char === '+') on = true
      else {
        const name = OPTION_LETTERS[char.toLowerCase()]
        if (name === undefined) return
        if (name !== 'debug') this.options = { ...this.options, [name]: on }
      }
    }
  }

  /** Skips `(?#…)`, and with `(?x)` white space and `#…` to the end of the line. */
  skipBlank(): void {
    for (;;) {
      if (this.options.extended) while (BLANK.test(this.peek())) this.at++
      if (this.options.extended && this.peek() === '#') {
        while (this.left > 0 && this.peek() !== '\n') this.at++
        if (this.left === 0) return
      } else if (this.peek() === '(' && this.peek(1) === '?' && this.peek(2) === '#') {
        while (this.left > 0 && this.peek() !== ')') this.at++
        if (this.left === 0) throw this.error('unterminated comment')
        this.at++
      } else return
    }
  }

  scanDecimal(): number {
    let value = 0
    while (isDigit(this.peek())) {
      value = value * 10 + Number(this.peek())
      if (value > MAX_INT) throw this.error('number out of range')
      this.at++
    }
    return value
  }

  scanName(): string {
    const start = this.at
    while (this.left > 0 && isWordChar(this.peek())) this.at++
    return String.fromCodePoint(...this.runes.slice(start, this.at))
  }

  /** What follows a `\` that stands for one character. */
  scanCharEscape(): number {
    const char = this.next()
    if (char >= '0' && char <= '7') {
      this.at--
      return this.#scanOctal()
    }
    if (char === 'x') return this.accept('{') ? this.#scanBracedHex() : this.#scanHex(2)
    if (char === 'u') return this.#scanHex(4)
    if (char === 'c') return this.#scanControl()
    const known = CHAR_ESCAPES[char]
    if (known !== undefined) return known
    if (isWordChar(char)) throw this.error(`unrecognized escape "\\${char}"`)
    return char.codePointAt(0) ?? 0
  }

  /** Up to three digits. A character below `0` counts as a negative one: regexp2's way, kept. */
  #scanOctal(): number {
    let value = 0
    for (let count = Math.min(3, this.left); count > 0; count--) {
      const digit = (this.runes[this.at] ?? 0) - 0x30
      if (digit > 7) break
      value = value * 8 + digit
      this.at++
      if (this.left === 0) break
    }
    return value & 0xff
  }

  #scanHex(digits: number): number {
    const text = Array.from({ length: digits }, (_, i) => this.peek(i)).join('')
    if (text.length !== digits || !/^[0-9a-f]+$/i.test(text)) throw this.error('insufficient hexadecimal digits')
    this.at += digits
    return Number.parseInt(text, 16)
  }

  #scanBracedHex(): number {
    const start = this.at
    while (/^[0-9a-f]$/i.test(this.peek())) this.at++
    const text = String.fromCodePoint(...this.runes.slice(start, this.at))
    if (!this.accept('}')) throw this.error('missing closing } of a hexadecimal escape')
    if (text === '') throw this.error('insufficient hexadecimal digits')
    const value = Number.parseInt(text, 16)
    if (value > 0x10ffff) throw this.error('hexadecimal value above 10FFFF')
    return value
  }

  #scanControl(): number {
    const rune =
      this.next()
        .replace(/^[a-z]$/, (char) => char.toUpperCase())
        .codePointAt(0) ?? 0
    const control = rune - 0x40
    if (control < 0 || control >= 0x20) throw this.error('unrecognized control character')
    return control
  }
}

export function isDigit(char: string): boolean {
  return char >= '0' && char <= '9' && char.length === 1
}

export function isWordChar(char: string): boolean {
  return char !== '' && isWordRune(char.codePointAt(0) ?? 0)
}

const MAX_INT = 0x7fffffff
const BLANK = /^[\t\n\v\f\r ]$/
const OPTION_LETTERS: Readonly<Record<string, keyof Options | 'debug'>> = Object.assign(Object.create(null), {
  i: 'ignoreCase',
  m: 'multiline',
  n: 'explicitCapture',
  s: 'singleLine',
  x: 'extended',
  d: 'debug',
})
const CHAR_ESCAPES: Readonly<Record<string, number>> = Object.assign(Object.create(null), {
  a: 0x07,
  b: 0x08,
  e: 0x1b,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
})
