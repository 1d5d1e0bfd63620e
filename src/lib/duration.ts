const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** One integer and one unit, as Oathkeeper's configuration writes most durations. */
export const SINGLE_UNIT_DURATION = /^[0-9]+(ns|us|ms|s|m|h)$/

/** The same with days, for keys that are ours. */
export const SINGLE_UNIT_DURATION_WITH_DAYS = /^[0-9]+(ns|us|ms|s|m|h|d)$/

/** What Go's durations can hold (2^63 ns, 292 years); a longer one would turn negative there. */
export const MAX_DURATION_MS = 2 ** 63 / 1e6

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)/y

/**
 * Reads a duration of Go's grammar, with `d` (24 h) as one more unit: `30s`, `1h30m`, `-1.5s`, `7d`, `0`.
 * Gives milliseconds, with a fraction for `us` and `ns`.
 * @throws {Error} with a sentence when the text is none, or longer than Go could hold.
 */
export function parseDuration(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text
  if (unsigned === '0') return 0
  let totalMs = 0
  let at = 0
  while (at < unsigned.length) {
    PART.lastIndex = at
    const part = PART.exec(unsigned)
    if (part === null) throw new Error(DURATION_HELP)
    totalMs += Number(part[1]) * (UNIT_MS[part[2] as string] as number)
    at = PART.lastIndex
  }
  if (at === 0) throw new Error(DURATION_HELP)
  if (totalMs >= MAX_DURATION_MS) throw new Error('is too long: at most 292 years')
  return totalMs === 0 ? 0 : sign * totalMs
}

const DURATION_HELP = 'is not a duration such as 500ms, 30s, 10m or 24h'
