/** A float64 has no more digits than this, before or after the point. */
const MAX_DIGITS = 1100

export type FloatVerb = 'e' | 'E' | 'f' | 'g' | 'G' | 'b' | 'x' | 'X'

/**
 * Writes a number as Go's strconv.FormatFloat.
 * @param precision -1: the shortest that reads back as the same number
 */
export function formatFloat(value: number, verb: FloatVerb, precision: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const size = Math.abs(value)
  switch (verb) {
    case 'f':
      return sign + (precision < 0 ? fixedShortest(size) : fixed(size, precision))
    case 'e':
    case 'E':
      return (
        sign + (precision < 0 ? exponential(shortest(size), verb) : exponential(rounded(size, precision + 1), verb))
      )
    case 'g':
    case 'G':
      return sign + general(size, verb === 'g' ? 'e' : 'E', precision)
    case 'b':
      return sign + binary(size)
    case 'x':
    case 'X':
      return sign + hexadecimal(size, precision, verb)
  }
}

/** Significant decimal digits and the power of ten of the first one. */
interface Decimal {
  readonly digits: string
  readonly exponent: number
}

function shortest(size: number): Decimal {
  const [mantissa = '', exponent] = size.toExponential().split('e')
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) }
}

/** Exactly `count` digits, rounded half to even on the exact value, as Go does and JavaScript does not. */
function rounded(size: number, count: number): Decimal {
  if (size === 0) return { digits: '0'.repeat(count), exponent: 0 }
  const wanted = Math.min(count, MAX_DIGITS)
  // The shortest form may have been rounded up to the next power of ten, and so may this one.
  let power = shortest(size).exponent
  let digits = scaled(size, wanted - 1 - power).toString()
  if (digits.length < wanted) digits = scaled(size, wanted - 1 - --power).toString()
  if (digits.length > wanted) {
    digits = digits.slice(0, wanted)
    power++
  }
  return { digits: digits + '0'.repeat(count - wanted), exponent: power }
}

/** size × 10^power as an integer, rounded half to even. */
function scaled(size: number, power: number): bigint {
  const { mantissa, exponent } = split(size)
  let numerator = mantissa
  let denominator = 1n
  if (exponent > 0) numerator <<= BigInt(exponent)
  else denominator <<= BigInt(-exponent)
  if (power > 0) numerator *= 10n ** BigInt(power)
  else denominator *= 10n ** BigInt(-power)
  const whole = numerator / denominator
  const twice = (numerator - whole * denominator) * 2n
  const isUp = twice > denominator || (twice === denominator && (whole & 1n) === 1n)
  return isUp ? whole + 1n : whole
}

/** size = mantissa × 2^exponent, with the mantissa that the number is stored with. */
function split(size: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, size)
  const bits = view.getBigUint64(0)
  const biased = Number(bits >> 52n) & 0x7ff
  const fraction = bits & 0xf_ffff_ffff_ffffn
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10_0000_0000_0000n, exponent: biased - 1075 }
}

function fixed(size: number, precision: number): string {
  const places = Math.min(precision, MAX_DIGITS)
  const digits = scaled(size, places)
    .toString()
    .padStart(places + 1, '0')
  const fraction = digits.slice(digits.length - places) + '0'.repeat(precision - places)
  return precision === 0 ? digits : `${digits.slice(0, digits.length - places)}.${fraction}`
}

function fixedShortest(size: number): string {
  const { digits, exponent } = shortest(size)
  return positional(digits, exponent)
}

function positional(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`
  if (digits.length <= exponent + 1) return digits + '0'.repeat(exponent + 1 - digits.length)
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`
}

function exponential({ digits, exponent }: Decimal, letter: 'e' | 'E'): string {
  const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`
  return `${mantissa}${letter}${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

function general(size: number, letter: 'e' | 'E', precision: number): string {
  const isShortest = precision < 0
  const places = precision === 0 ? 1 : precision
  const { digits: all, exponent } = isShortest ? shortest(size) : rounded(size, places)
  const digits = all.replace(/0+$/, '') || '0'
  let limit = isShortest ? 6 : places
  if (!isShortest && limit > digits.length && digits.length >= exponent + 1) limit = digits.length
  if (exponent < -4 || exponent >= limit) return exponential({ digits, exponent }, letter)
  return positional(digits, exponent)
}

function binary(size: number): string {
  const { mantissa, exponent } = split(size)
  return `${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`
}

function hexadecimal(size: number, precision: number, letter: 'x' | 'X'): string {
  let { mantissa, exponent } = split(size)
  let digits = ''
  if (mantissa === 0n) {
    exponent = 0
    digits = '0'.repeat(Math.max(precision, 0))
  } else {
    while (mantissa < 1n << 52n) {
      mantissa <<= 1n
      exponent--
    }
    exponent += 52
    if (precision >= 0 && precision < 13) {
      const shift = BigInt(52 - 4 * precision)
      const half = 1n << (shift - 1n)
      const rest = mantissa & ((1n << shift) - 1n)
      mantissa >>= shift
      if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++
      mantissa <<= shift
      if (mantissa >= 1n << 53n) {
        mantissa >>= 1n
        exponent++
      }
    }
    digits = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, '0')
    digits = precision < 0 ? digits.replace(/0+$/, '') : digits.padEnd(precision, '0').slice(0, precision)
  }
  const fraction = digits === '' ? '' : `.${digits}`
  const power = `p${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  const text = `0x${size === 0 ? 0 : 1}${fraction}${power}`
  return letter === 'X' ? text.toUpperCase() : text
}
