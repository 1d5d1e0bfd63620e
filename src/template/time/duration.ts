/** Nanoseconds of each unit. */
const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
export const SECOND = 1_000_000_000n
export const MAX_DURATION = 2n ** 63n - 1n

/**
 * Reads a Go duration such as `-1.5h` into nanoseconds.
 * @throws {Error}
 */
export function parseDuration(text: string): bigint {
  const isNegative = text.startsWith('-')
  let rest = text.replace(/^[-+]/, '')
  if (rest === '0') return 0n
  if (rest === '') throw new Error('time: invalid duration')
  let total = 0n
  while (rest !== '') {
    const [all = '', whole = '', fraction, unit = ''] = /^([0-9]*)(?:\.([0-9]*))?([^.0-9]*)/.exec(rest) ?? []
    if (whole === '' && (fraction ?? '') === '') throw new Error('time: invalid duration')
    if (unit === '') throw new Error('time: missing unit in duration')
    const size = UNITS[unit]
    if (size === undefined) throw new Error('time: unknown unit in duration')
    if (whole.length > 40) throw new Error('time: invalid duration')
    total += BigInt(whole || '0') * size + fractionOf(fraction ?? '', size)
    if (total > MAX_DURATION + 1n) throw new Error('time: invalid duration')
    rest = rest.slice(all.length)
  }
  if (!isNegative && total > MAX_DURATION) throw new Error('time: invalid duration')
  return isNegative ? -total : total
}

/** Writes nanoseconds as Go does: `1h1m1s`, `1.5ms`, `0s`. */
export function formatDuration(duration: bigint): string {
  const sign = duration < 0n ? '-' : ''
  const size = duration < 0n ? -duration : duration
  if (size === 0n) return '0s'
  if (size < 1000n) return `${sign}${size}ns`
  if (size < 1_000_000n) return `${sign}${decimal(size, 3)}µs`
  if (size < SECOND) return `${sign}${decimal(size, 6)}ms`
  const minutes = size / (60n * SECOND)
  const seconds = `${decimal(size % (60n * SECOND), 9)}s`
  if (minutes === 0n) return sign + seconds
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`
}

/** To a multiple, half away from zero. */
export function roundDuration(duration: bigint, unit: bigint): bigint {
  if (unit <= 0n) return duration
  const rest = duration % unit
  const size = rest < 0n ? -rest : rest
  if (size * 2n < unit) return duration - rest
  return duration - rest + (duration < 0n ? -unit : unit)
}

function fractionOf(digits: string, unit: bigint): bigint {
  if (digits === '') return 0n
  const kept = digits.slice(0, 18)
  return BigInt(Math.trunc(Number(kept) * (Number(unit) / 10 ** kept.length)))
}

function decimal(size: bigint, places: number): string {
  const unit = 10n ** BigInt(places)
  const fraction = (size % unit).toString().padStart(places, '0').replace(/0+$/, '')
  return fraction === '' ? `${size / unit}` : `${size / unit}.${fraction}`
}
