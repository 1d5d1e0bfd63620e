const MAX_DIGITS = 100

/** Reads an integer by Go's syntax of literals: sign, `0x`, `0o`, `0b`, a leading zero for octal, underscores. */
export function parseInteger(text: string): bigint | undefined {
  const parts = /^([+-]?)(0[xX]|0[oO]|0[bB]|0(?=[0-9_]))?([0-9a-fA-F_]+)$/.exec(text)
  if (parts === null) return undefined
  const [, sign, prefix = '', digits = ''] = parts
  if (digits.includes('_') && !hasGoodUnderscores(text)) return undefined
  const base = prefix === '0' ? '0o' : prefix.toLowerCase()
  const significant = digits.replaceAll('_', '').replace(/^0+(?=.)/, '')
  // No integer type holds that many, and big numbers take big time.
  if (significant.length > MAX_DIGITS) return undefined
  try {
    const value = BigInt(base + significant)
    return sign === '-' ? -value : value
  } catch {
    return undefined
  }
}

/** Reads a decimal or hexadecimal floating-point number by Go's syntax; nothing when it is malformed or too large. */
export function parseFloat64(text: string): number | undefined {
  if (text.includes('_') && !hasGoodUnderscores(text)) return undefined
  const plain = text.replaceAll('_', '')
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?[0-9]+)$/.exec(plain)
  if (hex !== null) {
    const [, sign, whole = '', fraction = '', exponent] = hex
    if (whole + fraction === '' || whole.length + fraction.length > 10 * MAX_DIGITS) return undefined
    const value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length)
    return Number.isFinite(value) ? (sign === '-' ? -value : value) : undefined
  }
  if (!/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(plain)) return undefined
  const value = Number(plain)
  return Number.isFinite(value) ? value : undefined
}

/** Underscores separate digits, and one may follow the base prefix. */
function hasGoodUnderscores(text: string): boolean {
  const body = text.replace(/^[+-]/, '')
  const isHex = /^0[xX]/.test(body)
  const digits = /^0[xXoObB]/.test(body) ? `0${body.slice(2)}` : body
  const digit = isHex ? '[0-9a-fA-F]' : '[0-9]'
  return !new RegExp(`(?<!${digit})_|_(?!${digit})`).test(digits)
}
