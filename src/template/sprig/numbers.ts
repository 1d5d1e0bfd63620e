import { randomInt } from 'node:crypto'
import { sprint } from '../format/printer.ts'
import { fn, type GoFunc, variadic } from '../values/func.ts'
import { checkItemCount } from '../values/limits.ts'
import { ANY, FLOAT, INT, STRING } from '../values/param.ts'
import { parseInteger } from '../values/parse-number.ts'
import { GoSlice, type Value } from '../values/value.ts'
import { int64, toFloat64, toInt64, wrap } from './cast.ts'
import { add, type Decimal, decimalOf, divide, multiply, numberOfDecimal, subtract } from './decimal.ts'

/** Arithmetic on whole numbers, on decimals, and lists of numbers. */
export const NUMBERS: Readonly<Record<string, GoFunc>> = {
  add: variadic([], ANY, (values) => int64(values.reduce<bigint>((sum, value) => sum + toInt64(value), 0n))),
  add1: fn([ANY], (value) => int64(toInt64(value) + 1n)),
  add1f: fn([ANY], (value) => onDecimals(value, [1], add)),
  addf: variadic([], ANY, (values) => onDecimals(0, values, add)),
  atoi: fn([STRING], atoi),
  biggest: variadic([ANY], ANY, largest),
  ceil: fn([ANY], (value) => Math.ceil(toFloat64(value))),
  div: fn([ANY, ANY], (a, b) => int64(toInt64(a) / divisor(b))),
  divf: variadic([ANY], ANY, (value, others) => onDecimals(value, others, divide)),
  float64: fn([ANY], toFloat64),
  floor: fn([ANY], (value) => Math.floor(toFloat64(value))),
  int: fn([ANY], toInt64),
  int64: fn([ANY], (value) => int64(toInt64(value))),
  max: variadic([ANY], ANY, largest),
  maxf: variadic([ANY], ANY, (first, others) => Math.max(toFloat64(first), ...others.map(toFloat64))),
  min: variadic([ANY], ANY, (first, others) =>
    int64(others.map(toInt64).reduce((least, value) => (value < least ? value : least), toInt64(first))),
  ),
  minf: variadic([ANY], ANY, (first, others) => Math.min(toFloat64(first), ...others.map(toFloat64))),
  mod: fn([ANY, ANY], (a, b) => int64(toInt64(a) % divisor(b))),
  mul: variadic([ANY], ANY, (first, others) =>
    int64(others.reduce<bigint>((product, value) => wrap(product * toInt64(value)), toInt64(first))),
  ),
  mulf: variadic([ANY], ANY, (value, others) => onDecimals(value, others, multiply)),
  randInt: fn([INT, INT], randomBetween),
  round: variadic([ANY, INT], FLOAT, round),
  seq: variadic([], INT, sequence),
  sub: fn([ANY, ANY], (a, b) => int64(toInt64(a) - toInt64(b))),
  subf: variadic([ANY], ANY, (value, others) => onDecimals(value, others, subtract)),
  toDecimal: fn([ANY], (value) => int64(fromOctal(sprint([value])))),
  until: fn([INT], (count) => intSlice(stepping(0n, count, count < 0n ? -1n : 1n))),
  untilStep: fn([INT, INT, INT], (start, stop, step) => intSlice(stepping(start, stop, step))),
}

function atoi(text: string): bigint {
  const [, sign = '', digits = '0'] = /^([-+]?)0*([0-9]+)$/.exec(text) ?? []
  // What is too large is the largest, however many digits it has.
  const value = BigInt((sign === '-' ? '-' : '') + digits.slice(0, 20))
  const limit = 2n ** 63n
  return value >= limit ? limit - 1n : value < -limit ? -limit : value
}

function fromOctal(text: string): bigint {
  const value = /^[-+]?[0-7]+$/.test(text) ? parseInteger(text.replace(/^([-+]?)/, '$10o')) : undefined
  return value === undefined || value >= 2n ** 63n || value < -(2n ** 63n) ? 0n : value
}

function divisor(value: Value): bigint {
  const number = toInt64(value)
  if (number === 0n) throw new Error('runtime error: integer divide by zero')
  return number
}

function largest(first: Value, others: readonly Value[]): Value {
  return int64(others.map(toInt64).reduce((most, value) => (value > most ? value : most), toInt64(first)))
}

function onDecimals(first: Value, others: readonly Value[], apply: (a: Decimal, b: Decimal) => Decimal): number {
  return numberOfDecimal(
    others.reduce<Decimal>((result, value) => apply(result, decimalOf(toFloat64(value))), decimalOf(toFloat64(first))),
  )
}

function round(value: Value, places: bigint, [roundOn = 0.5]: readonly number[]): number {
  const power = 10 ** Number(places)
  const digits = power * toFloat64(value)
  const fraction = digits - Math.trunc(digits)
  return (fraction >= roundOn ? Math.ceil(digits) : Math.floor(digits)) / power
}

function randomBetween(min: bigint, max: bigint): bigint {
  if (max <= min) throw new Error('invalid argument to Intn')
  const span = max - min
  if (span >= 2n ** 48n) throw new Error('range of random numbers is too large')
  return min + BigInt(randomInt(Number(span)))
}

function sequence(params: readonly bigint[]): string {
  const [first = 0n, second = 0n, third = 0n] = params
  switch (params.length) {
    case 1: {
      const step = first < 1n ? -1n : 1n
      return stepping(1n, first + step, step).join(' ')
    }
    case 2: {
      const step = second < first ? -1n : 1n
      return stepping(first, second + step, step).join(' ')
    }
    case 3: {
      if (third < first && second > 0n) return ''
      return stepping(first, third + (third < first ? -1n : 1n), second).join(' ')
    }
    default:
      return ''
  }
}

/** From `start` to before `stop`. */
function stepping(start: bigint, stop: bigint, step: bigint): bigint[] {
  const isDown = stop < start
  if (step === 0n || isDown !== step < 0n) return []
  const distance = isDown ? start - stop : stop - start
  checkItemCount(Number(distance / (step < 0n ? -step : step)))
  const numbers: bigint[] = []
  for (let i = start; isDown ? i > stop : i < stop; i += step) numbers.push(i)
  return numbers
}

function intSlice(numbers: readonly bigint[]): GoSlice {
  return new GoSlice('int', numbers)
}
