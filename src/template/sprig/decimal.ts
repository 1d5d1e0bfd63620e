/** coefficient × 10^exponent, exactly. */
export interface Decimal {
  readonly coefficient: bigint
  readonly exponent: number
}

/** Places that a quotient is rounded to. */
const DIVISION_PLACES = 16

/** @throws {Error} when the number is not finite */
export function decimalOf(value: number): Decimal {
  if (!Number.isFinite(value)) throw new Error(`Cannot create a Decimal from ${goName(value)}`)
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  return { coefficient: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length }
}

export function numberOfDecimal({ coefficient, exponent }: Decimal): number {
  return Number(`${coefficient}e${exponent}`)
}

export function add(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent)
  return { coefficient: scaled(a, exponent) + scaled(b, exponent), exponent }
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, { ...b, coefficient: -b.coefficient })
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { coefficient: a.coefficient * b.coefficient, exponent: a.exponent + b.exponent }
}

/** Rounded half away from zero. */
export function divide(a: Decimal, b: Decimal): Decimal {
  if (b.coefficient === 0n) throw new Error('decimal division by 0')
  const shift = a.exponent - b.exponent + DIVISION_PLACES
  const numerator = shift > 0 ? a.coefficient * 10n ** BigInt(shift) : a.coefficient
  const denominator = shift < 0 ? b.coefficient * 10n ** BigInt(-shift) : b.coefficient
  let quotient = numerator / denominator
  const twice = absolute(numerator - quotient * denominator) * 2n
  if (twice >= absolute(denominator)) quotient += numerator < 0n === denominator < 0n ? 1n : -1n
  return { coefficient: quotient, exponent: -DIVISION_PLACES }
}

function scaled({ coefficient, exponent }: Decimal, to: number): bigint {
  return coefficient * 10n ** BigInt(exponent - to)
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value
}

function goName(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
