import { stringOf } from '../../lib/go-string.ts'
import { isMap, itemsOf, sortedKeys, entryOf } from '../values/collection.ts'
import { LimitError, MAX_DATA_DEPTH, MAX_TEXT } from '../values/limits.ts'
import { elemTypeName, integerOf, isUnsigned, typeName } from '../values/types.ts'
import { GoComplex, GoInt, GoMap, GoSlice, GoStruct, type Value } from '../values/value.ts'
import type { FloatVerb } from './float.ts'
import {
  type Flags,
  formatChar,
  formatHexText,
  formatInteger,
  formatNumber,
  formatQuoted,
  formatQuotedChar,
  formatText,
  formatUnicode,
  noFlags,
  padded,
} from './pad.ts'

const UINT64 = 2n ** 64n

/** Writes values as Go's package fmt does. One printer serves one call. */
export class Printer {
  flags: Flags = noFlags()
  out = ''
  /** Inside a complaint about a verb, where String methods are not asked. */
  #isComplaining = false

  write(text: string): void {
    this.out += text
    if (this.out.length > MAX_TEXT) throw new LimitError('formatted text is too long')
  }

  /** An argument of a print function; `null` is nil. */
  printArg(value: Value, verb: string): void {
    if (value === null || value === undefined) {
      if (verb === 'T' || verb === 'v') this.write(padded('<nil>', this.flags))
      else this.#complain(value, verb)
      return
    }
    if (verb === 'T') {
      this.write(formatText(typeName(value), this.flags))
      return
    }
    // `%p` would tell an address, `%w` is for errors.
    if (verb === 'p' || verb === 'w') {
      this.#complain(value, verb)
      return
    }
    this.#print(value, verb, 0, false)
  }

  /** @param isElement whether the value sits in an interface inside a list, map or struct */
  #print(value: Value, verb: string, depth: number, isElement: boolean): void {
    if (depth > MAX_DATA_DEPTH) throw new LimitError('data is nested too deeply')
    switch (typeof value) {
      case 'string':
        this.#text(value, value, verb)
        return
      case 'boolean':
        if (verb === 't' || verb === 'v') this.write(padded(String(value), this.flags))
        else this.#complain(value, verb)
        return
      case 'number':
        this.#float(value, value, verb)
        return
      case 'bigint':
        this.#integer(value, value, false, verb)
        return
    }
    if (value === null || typeof value !== 'object') {
      if (this.flags.sharpV && isElement) this.write('interface {}(nil)')
      else this.write('<nil>')
    } else if (value instanceof GoInt) this.#goInt(value, verb)
    else if (value instanceof GoComplex) this.#complex(value, verb)
    else if (value instanceof GoStruct) this.#struct(value, verb, depth)
    else if (isMap(value)) this.#map(value, verb, depth)
    else this.#list(value, itemsOf(value) ?? [], verb, depth)
  }

  #goInt(value: GoInt, verb: string): void {
    if (value.type.string !== undefined && this.#wantsString(verb)) {
      this.#text(value.type.string(value.value), value, verb)
      return
    }
    this.#integer(value.value, value, isUnsigned(value), verb)
  }

  #text(text: string, value: Value, verb: string): void {
    const { flags } = this
    if (verb === 'v') this.write(flags.sharpV ? formatQuoted(text, flags) : formatText(text, flags))
    else if (verb === 's') this.write(formatText(text, flags))
    else if (verb === 'q') this.write(formatQuoted(text, flags))
    else if (verb === 'x' || verb === 'X') this.write(formatHexText(text, verb === 'X', flags))
    else this.#complain(value, verb)
  }

  #integer(number: bigint, value: Value, isUnsignedType: boolean, verb: string): void {
    const { flags } = this
    switch (verb) {
      case 'v':
        if (flags.sharpV && isUnsignedType) this.write(formatInteger(number, 16, 'x', { ...flags, sharp: true }))
        else this.write(formatInteger(number, 10, verb, flags))
        return
      case 'd':
        this.write(formatInteger(number, 10, verb, flags))
        return
      case 'b':
        this.write(formatInteger(number, 2, verb, flags))
        return
      case 'o':
      case 'O':
        this.write(formatInteger(number, 8, verb, flags))
        return
      case 'x':
      case 'X':
        this.write(formatInteger(number, 16, verb, flags))
        return
      case 'c':
        this.write(formatChar(number, flags))
        return
      case 'q':
        this.write(formatQuotedChar(number, flags))
        return
      case 'U':
        this.write(formatUnicode(number < 0n ? number + UINT64 : number, flags))
        return
      default:
        this.#complain(value, verb)
    }
  }

  #float(number: number, value: Value, verb: string): void {
    switch (verb) {
      case 'v':
        this.write(formatNumber(number, 'g', -1, this.flags))
        return
      case 'b':
      case 'g':
      case 'G':
      case 'x':
      case 'X':
        this.write(formatNumber(number, verb, -1, this.flags))
        return
      case 'f':
      case 'e':
      case 'E':
      case 'F':
        this.write(formatNumber(number, verb === 'F' ? 'f' : (verb as FloatVerb), 6, this.flags))
        return
      default:
        this.#complain(value, verb)
    }
  }

  #complex(value: GoComplex, verb: string): void {
    if (!'vbgGxXfFeE'.includes(verb)) {
      this.#complain(value, verb)
      return
    }
    const { plus } = this.flags
    this.write('(')
    this.#float(value.real, value, verb)
    this.flags.plus = true
    this.#float(value.imag, value, verb)
    this.flags.plus = plus
    this.write('i)')
  }

  #struct(value: GoStruct, verb: string, depth: number): void {
    const { type, isPointer, self } = value
    if (type.string !== undefined && this.#wantsString(verb)) {
      this.#text(type.string(self), value, verb)
      return
    }
    if (self === null || (isPointer && depth > 0)) {
      this.#pointer(value, verb)
      return
    }
    if (isPointer) this.write('&')
    if (this.flags.sharpV) this.write(type.name)
    this.write('{')
    type.fields.forEach((field, i) => {
      if (i > 0) this.write(this.flags.sharpV ? ', ' : ' ')
      if (this.flags.plusV || this.flags.sharpV) this.write(`${field.name}:`)
      this.#print(field.get(self), verb, depth + 1, true)
    })
    this.write('}')
  }

  /** A nil pointer, or one inside something: Go prints an address, which is nobody's business, so ours is 0. */
  #pointer(value: GoStruct, verb: string): void {
    const isNil = value.self === null
    if (verb !== 'v') {
      if ('bodxX'.includes(verb)) this.#integer(0n, value, true, verb)
      else this.#complain(value, verb)
    } else if (this.flags.sharpV) this.write(`(${typeName(value)})(${isNil ? 'nil' : '0x0'})`)
    else this.write(padded(isNil ? '<nil>' : '0x0', this.flags))
  }

  #map(map: GoMap | Readonly<Record<string, Value>>, verb: string, depth: number): void {
    const { sharpV } = this.flags
    if (sharpV && map instanceof GoMap && map.isNil) {
      this.write(`${typeName(map)}(nil)`)
      return
    }
    this.write(sharpV ? `${typeName(map)}{` : 'map[')
    let isFirst = true
    for (const key of sortedKeys(map)) {
      if (!isFirst) this.write(sharpV ? ', ' : ' ')
      isFirst = false
      this.#text(key, key, verb)
      this.write(':')
      this.#print(entryOf(map, key), verb, depth + 1, true)
    }
    this.write(sharpV ? '}' : ']')
  }

  #list(list: Value, items: readonly Value[], verb: string, depth: number): void {
    const { sharpV } = this.flags
    if (elemTypeName(list) === 'uint8' && 'sqxX'.includes(verb)) {
      this.#text(stringOf(Uint8Array.from(items, (item) => Number(integerOf(item)))), list, verb)
      return
    }
    if (sharpV && list instanceof GoSlice && list.isNil) {
      this.write(`${typeName(list)}(nil)`)
      return
    }
    this.write(sharpV ? `${typeName(list)}{` : '[')
    items.forEach((item, i) => {
      if (i > 0) this.write(sharpV ? ', ' : ' ')
      this.#print(item ?? null, verb, depth + 1, true)
    })
    this.write(sharpV ? '}' : ']')
  }

  #wantsString(verb: string): boolean {
    return !this.#isComplaining && !this.flags.sharpV && 'vsxXq'.includes(verb)
  }

  #complain(value: Value, verb: string): void {
    this.write(`%!${verb}(`)
    if (value === null || value === undefined) this.write('<nil>')
    else {
      this.#isComplaining = true
      this.write(`${typeName(value)}=`)
      this.#print(value, 'v', 0, false)
      this.#isComplaining = false
    }
    this.write(')')
  }
}

/** `fmt.Sprint`: a space between two operands when neither is a string. */
export function sprint(values: readonly Value[]): string {
  const printer = new Printer()
  values.forEach((value, i) => {
    if (i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string') printer.write(' ')
    printer.printArg(value, 'v')
  })
  return printer.out
}

/** `fmt.Sprintln`. */
export function sprintln(values: readonly Value[]): string {
  const printer = new Printer()
  values.forEach((value, i) => {
    if (i > 0) printer.write(' ')
    printer.printArg(value, 'v')
  })
  return `${printer.out}\n`
}

/** One value with `%v`. */
export function formatValue(value: Value): string {
  if (typeof value === 'string') return value
  const printer = new Printer()
  printer.printArg(value, 'v')
  return printer.out
}
