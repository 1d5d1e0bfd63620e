const WORD_BITS = 32
const GUARD_BITS = 64

let known: Uint32Array | undefined

/** The first binary digits of the fraction of π in 32-bit words: what Blowfish begins with. */
export function piWords(count: number): Uint32Array {
  if (known === undefined || known.length < count) known = compute(count)
  return known
}

/** Machin: π = 16 arctan 1/5 − 4 arctan 1/239. */
function compute(count: number): Uint32Array {
  const bits = count * WORD_BITS
  const one = 1n << BigInt(bits + GUARD_BITS)
  const pi = 16n * arctanOfInverse(5n, one) - 4n * arctanOfInverse(239n, one)
  let fraction = (pi - 3n * one) >> BigInt(GUARD_BITS)
  const words = new Uint32Array(count)
  for (let i = count - 1; i >= 0; i--) {
    words[i] = Number(fraction & 0xffff_ffffn)
    fraction >>= BigInt(WORD_BITS)
  }
  return words
}

function arctanOfInverse(x: bigint, one: bigint): bigint {
  let power = one / x
  let sum = power
  for (let n = 3n, sign = -1n; power !== 0n; n += 2n, sign = -sign) {
    power /= x * x
    sum += (sign * power) / n
  }
  return sum
}
