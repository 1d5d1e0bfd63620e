import { parseFloat64, parseInteger } from '../values/parse-number.ts'
import { integerOf } from '../values/types.ts'
import { GoInt, INT64, type Value } from '../values/value.ts'

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** Any value as int64; what is no number is 0. */
export function toInt64(value: Value): bigint {
  switch (typeof value) {
    case 'bigint':
      return value
    case 'number':
      return truncated(value)
    case 'boolean':
      return value ? 1n : 0n
    case 'string':
      return parseInt64(value)
  }
  return wrap(integerOf(value) ?? 0n)
}

/** Any value as float64; what is no number is 0. */
export function toFloat64(value: Value): number {
  switch (typeof value) {
    case 'number':
      return value
    case 'boolean':
      return value ? 1 : 0
    case 'string':
      return parseFloat(value)
  }
  return Number(integerOf(value) ?? 0n)
}

/** 64 bits, as Go's arithmetic overflows. */
export function wrap(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

export function int64(value: bigint): GoInt {
  return new GoInt(wrap(value), INT64)
}

function truncated(value: number): bigint {
  const whole = Math.trunc(value)
  // What does not fit gives this on amd64.
  return Math.abs(whole) < 2 ** 63 ? BigInt(whole) : MIN_INT64
}

function parseInt64(text: string): bigint {
  const decimal = /^([-+]?[0-9]*)(?:\.[0-9]*)?$/.exec(text)
  const whole = text.includes('.') && decimal !== null ? (decimal[1] ?? '') : text
  const value = parseInteger(/^[-+]?$/.test(whole) && text.includes('.') ? `${whole}0` : whole)
  return value !== undefined && value >= MIN_INT64 && value <= MAX_INT64 ? value : 0n
}

function parseFloat(text: string): number {
  const special = /^([-+]?)(inf|infinity|nan)$/i.exec(text)
  if (special === null) return parseFloat64(text) ?? 0
  if (special[2]?.toLowerCase() === 'nan') return special[1] === '' ? Number.NaN : 0
  return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}
