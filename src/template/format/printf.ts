import { integerOf, typeName } from '../values/types.ts'
import type { Value } from '../values/value.ts'
import { noFlags } from './pad.ts'
import { Printer } from './printer.ts'

/** Larger widths and precisions are taken for mistakes, as in Go. */
const MAX_NUMBER = 1_000_000

/** `fmt.Sprintf`. */
export function sprintf(format: string, args: readonly Value[]): string {
  const run = new Formatter(format, args)
  run.format()
  return run.printer.out
}

class Formatter {
  readonly printer = new Printer()
  readonly #format: string
  readonly #args: readonly Value[]
  /** Index in the format. */
  #at = 0
  #arg = 0
  #isReordered = false
  #isGoodIndex = true

  constructor(format: string, args: readonly Value[]) {
    this.#format = format
    this.#args = args
  }

  format(): void {
    const { printer } = this
    for (;;) {
      const percent = this.#format.indexOf('%', this.#at)
      printer.write(this.#format.slice(this.#at, percent < 0 ? undefined : percent))
      if (percent < 0) break
      this.#at = percent + 1
      printer.flags = noFlags()
      this.#isGoodIndex = true
      this.#flags()
      if (!this.#directive()) break
    }
    if (!this.#isReordered && this.#arg < this.#args.length) this.#extra()
  }

  #flags(): void {
    const { flags } = this.printer
    for (; ; this.#at++) {
      const char = this.#format[this.#at]
      if (char === '#') flags.sharp = true
      else if (char === '0') flags.zero = true
      else if (char === '+') flags.plus = true
      else if (char === '-') flags.minus = true
      else if (char === ' ') flags.space = true
      else return
    }
  }

  /** What follows the flags; false at the end of the format. */
  #directive(): boolean {
    const { printer } = this
    let isAfterIndex = this.#index()
    isAfterIndex = this.#width(isAfterIndex)
    isAfterIndex = this.#precision(isAfterIndex)
    if (!isAfterIndex) this.#index()
    const code = this.#format.codePointAt(this.#at)
    if (code === undefined) {
      printer.write('%!(NOVERB)')
      return false
    }
    const verb = String.fromCodePoint(code)
    this.#at += verb.length
    if (verb === '%') printer.write('%')
    else if (!this.#isGoodIndex) printer.write(`%!${verb}(BADINDEX)`)
    else if (this.#arg >= this.#args.length) printer.write(`%!${verb}(MISSING)`)
    else this.#print(verb)
    return true
  }

  #print(verb: string): void {
    const { printer } = this
    const { flags } = printer
    if (verb === 'v') {
      flags.sharpV = flags.sharp
      flags.sharp = false
      flags.plusV = flags.plus
      flags.plus = false
    }
    printer.printArg(this.#args[this.#arg++], verb)
  }

  #width(isAfterIndex: boolean): boolean {
    const { flags } = this.printer
    if (this.#format[this.#at] !== '*') {
      flags.width = this.#number()
      if (isAfterIndex && flags.width !== undefined) this.#isGoodIndex = false
      return isAfterIndex
    }
    this.#at++
    const width = this.#numberFromArg()
    if (width === undefined) this.printer.write('%!(BADWIDTH)')
    flags.width = width
    if (width !== undefined && width < 0) {
      flags.width = -width
      flags.minus = true
      flags.zero = false
    }
    return false
  }

  #precision(isAfterIndex: boolean): boolean {
    // A dot at the very end is taken for a verb.
    if (this.#format[this.#at] !== '.' || this.#at + 1 >= this.#format.length) return isAfterIndex
    const { flags } = this.printer
    this.#at++
    if (isAfterIndex) this.#isGoodIndex = false
    const isIndexed = this.#index()
    if (this.#format[this.#at] !== '*') {
      flags.precision = this.#number() ?? 0
      return isIndexed
    }
    this.#at++
    const precision = this.#numberFromArg()
    flags.precision = precision !== undefined && precision >= 0 ? precision : undefined
    if (flags.precision === undefined) this.printer.write('%!(BADPREC)')
    return false
  }

  /** `[n]`: the argument to go on with. */
  #index(): boolean {
    if (this.#format[this.#at] !== '[') return false
    this.#isReordered = true
    const close = this.#format.indexOf(']', this.#at)
    if (close < 0) {
      this.#isGoodIndex = false
      this.#at++
      return false
    }
    const digits = this.#format.slice(this.#at + 1, close)
    this.#at = close + 1
    const isNumber = /^[0-9]{1,7}$/.test(digits)
    const index = Number(digits) - 1
    if (isNumber && index >= 0 && index < this.#args.length) {
      this.#arg = index
      return true
    }
    this.#isGoodIndex = false
    return isNumber
  }

  #number(): number | undefined {
    const start = this.#at
    let value = 0
    for (; ; this.#at++) {
      const code = this.#format.charCodeAt(this.#at)
      if (!(code >= 48 && code <= 57)) break
      if (value > MAX_NUMBER) {
        this.#at = this.#format.length
        return undefined
      }
      value = value * 10 + code - 48
    }
    return this.#at === start ? undefined : value
  }

  #numberFromArg(): number | undefined {
    if (this.#arg >= this.#args.length) return undefined
    const value = integerOf(this.#args[this.#arg++])
    if (value === undefined || value > MAX_NUMBER || value < -MAX_NUMBER) return undefined
    return Number(value)
  }

  #extra(): void {
    const { printer } = this
    printer.flags = noFlags()
    printer.write('%!(EXTRA ')
    this.#args.slice(this.#arg).forEach((arg, i) => {
      if (i > 0) printer.write(', ')
      if (arg !== null && arg !== undefined) printer.write(`${typeName(arg)}=`)
      printer.printArg(arg, 'v')
    })
    printer.write(')')
  }
}
