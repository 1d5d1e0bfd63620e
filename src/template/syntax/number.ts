import { quoteString } from '../format/quote.ts'
import { parseFloat64, parseInteger } from '../values/parse-number.ts'
import type { NumberNode } from './node.ts'
import { unquoteRune } from './unquote.ts'

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

/** Reads a number literal; a sentence when it is malformed. */
export function parseNumber(
  text: string,
  type: 'number' | 'complex' | 'char-constant',
  at: number,
): NumberNode | string {
  if (type === 'char-constant') {
    const rune = unquoteRune(text)
    if (typeof rune === 'string') return rune
    return { kind: 'number', at, text, int: BigInt(rune), uint: BigInt(rune), float: rune, complex: undefined }
  }
  if (type === 'complex') {
    const parts = /^([+-]?(?:[^+-]|[eEpP][+-])+)([+-](?:[^+-]|[eEpP][+-])+)i$/.exec(text)
    const real = parseFloat64(parts?.[1] ?? '')
    const imag = parseFloat64(parts?.[2] ?? '')
    return real === undefined || imag === undefined
      ? 'syntax error scanning complex number'
      : complex(text, at, real, imag)
  }
  if (text.endsWith('i')) {
    const imag = parseFloat64(text.slice(0, -1))
    if (imag !== undefined) return complex(text, at, 0, imag)
  }
  return realNumber(text, at)
}

function realNumber(text: string, at: number): NumberNode | string {
  const whole = parseInteger(text)
  const int = whole !== undefined && whole >= MIN_INT64 && whole <= MAX_INT64 ? whole : undefined
  const isSigned = text.startsWith('+') || text.startsWith('-')
  const uint =
    whole !== undefined && whole >= 0n && whole <= MAX_UINT64 && (!isSigned || whole === 0n) ? whole : undefined
  if (int !== undefined || uint !== undefined) {
    return { kind: 'number', at, text, int, uint, float: Number(int ?? uint), complex: undefined }
  }
  const float = parseFloat64(text)
  if (float === undefined) return `illegal number syntax: ${quoteString(text)}`
  // What looks like an integer and is none is too large for one.
  if (!/[.eEpP]/.test(text)) return `integer overflow: ${quoteString(text)}`
  return { kind: 'number', at, text, ...integersOf(float), float, complex: undefined }
}

function complex(text: string, at: number, real: number, imag: number): NumberNode {
  const simple =
    imag === 0 ? { ...integersOf(real), float: real } : { int: undefined, uint: undefined, float: undefined }
  return { kind: 'number', at, text, ...simple, complex: { real, imag } }
}

function integersOf(float: number): { int: bigint | undefined; uint: bigint | undefined } {
  if (!Number.isInteger(float)) return { int: undefined, uint: undefined }
  const whole = BigInt(float)
  return {
    int: whole >= MIN_INT64 && whole <= MAX_INT64 ? whole : undefined,
    uint: whole >= 0n && whole <= MAX_UINT64 ? whole : undefined,
  }
}
