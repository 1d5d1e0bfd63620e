import { type Civil, civilOf, secondsOf } from './civil.ts'
import { UTC, type Zone } from './zone.ts'

/** A moment with the zone that it is shown in, as Go's time.Time. */
export interface GoTime {
  /** Since 1970 in UTC; whole. */
  readonly seconds: number
  /** 0–999,999,999. */
  readonly nanoseconds: number
  readonly zone: Zone
}

const BILLION = 1_000_000_000n

/** January 1, year 1, Go's zero time. */
export const ZERO_TIME: GoTime = { seconds: -62_135_596_800, nanoseconds: 0, zone: UTC }

export function civilTime({ seconds, zone }: GoTime): Civil {
  return civilOf(seconds + zone.at(seconds).offset)
}

/** The moment at which clocks in a zone show this. */
export function timeOf(
  zone: Zone,
  [year, month, day, hour = 0, minute = 0, second = 0]: readonly [number, number, number, number?, number?, number?],
  nanoseconds = 0,
): GoTime {
  const local = secondsOf(year, month, day, hour, minute, second)
  const guess = local - zone.at(local).offset
  return { seconds: local - zone.at(guess).offset, nanoseconds, zone }
}

export function timeOfMs(ms: number, zone: Zone): GoTime {
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanoseconds: Math.round((ms - seconds * 1000) * 1e6), zone }
}

/** Nanoseconds since 1970, without a bound. */
export function nanosecondsOf({ seconds, nanoseconds }: GoTime): bigint {
  return BigInt(seconds) * BILLION + BigInt(nanoseconds)
}

export function addNanoseconds(time: GoTime, delta: bigint): GoTime {
  const total = nanosecondsOf(time) + delta
  const rest = ((total % BILLION) + BILLION) % BILLION
  return { seconds: Number((total - rest) / BILLION), nanoseconds: Number(rest), zone: time.zone }
}

export function compareTimes(a: GoTime, b: GoTime): number {
  return Math.sign(a.seconds - b.seconds || a.nanoseconds - b.nanoseconds)
}
