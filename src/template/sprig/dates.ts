import type { Clock } from '../../kernel/clock.ts'
import { formatDuration, MAX_DURATION, parseDuration, roundDuration, SECOND } from '../time/duration.ts'
import { formatTime } from '../time/format-time.ts'
import { addNanoseconds, type GoTime, nanosecondsOf, timeOfMs, ZERO_TIME } from '../time/go-time.ts'
import { parseTime } from '../time/parse-time.ts'
import { timeIn, TIME_PARAM, timeValue } from '../time/time-type.ts'
import { loadZone, localZone, UTC } from '../time/zone.ts'
import { fn, type GoFunc } from '../values/func.ts'
import { ANY, STRING } from '../values/param.ts'
import { GoInt, type Value } from '../values/value.ts'

const HTML_DATE = '2006-01-02'

/** Dates in Go's layouts. Zones are those of the time zone database, `Local` is that of the process. */
export function dateFunctions(clock: Clock): Readonly<Record<string, GoFunc>> {
  const now = (): GoTime => timeOfMs(clock.now(), localZone())
  const inZone = (layout: string, date: Value, zone: string): string =>
    formatTime({ ...(momentOf(date) ?? now()), zone: loadZone(zone) ?? UTC }, layout)
  const since = (time: GoTime): bigint => bounded(nanosecondsOf(now()) - nanosecondsOf(time))

  const dateInZone = fn([STRING, ANY, STRING], inZone)
  const dateModify = fn([STRING, TIME_PARAM], (duration, date) => {
    try {
      return modified(duration, date)
    } catch {
      return date
    }
  })
  const mustDateModify = fn([STRING, TIME_PARAM], modified)
  return {
    ago: fn([ANY], (date) => formatDuration(roundDuration(since(momentOf(date) ?? now()), SECOND))),
    date: fn([STRING, ANY], (layout, date) => inZone(layout, date, 'Local')),
    dateInZone,
    dateModify,
    date_in_zone: dateInZone,
    date_modify: dateModify,
    duration: fn([ANY], (seconds) => formatDuration(BigInt.asIntN(64, secondsOf(seconds) * SECOND))),
    durationRound: fn([ANY], (duration) => roughly(durationOf(duration, since))),
    htmlDate: fn([ANY], (date) => inZone(HTML_DATE, date, 'Local')),
    htmlDateInZone: fn([ANY, STRING], (date, zone) => inZone(HTML_DATE, date, zone)),
    mustDateModify,
    mustToDate: fn([STRING, STRING], (layout, text) => timeValue(parseTime(layout, text, localZone()))),
    must_date_modify: mustDateModify,
    now: fn([], () => timeValue(now())),
    toDate: fn([STRING, STRING], (layout, text) => {
      try {
        return timeValue(parseTime(layout, text, localZone()))
      } catch {
        return timeValue(ZERO_TIME)
      }
    }),
    unixEpoch: fn([TIME_PARAM], (date) => String(timeIn(date)?.seconds)),
  }
}

/** A time, or seconds since 1970 as int, int32 or int64. */
function momentOf(date: Value): GoTime | undefined {
  const time = timeIn(date)
  if (time !== undefined) return time
  const isSeconds = typeof date === 'bigint' || (date instanceof GoInt && ['int64', 'int32'].includes(date.type.name))
  if (!isSeconds) return undefined
  return { seconds: Number(typeof date === 'bigint' ? date : date.value), nanoseconds: 0, zone: localZone() }
}

function modified(text: string, date: Value): Value {
  return timeValue(addNanoseconds(timeIn(date) ?? ZERO_TIME, parseDuration(text)))
}

/** Only a text and an int64 count, as in Sprig. */
function secondsOf(value: Value): bigint {
  if (value instanceof GoInt && value.type.name === 'int64') return value.value
  const [, sign = '', digits] = (typeof value === 'string' ? /^([-+]?)0*([0-9]+)$/.exec(value) : null) ?? []
  return digits === undefined ? 0n : bounded(BigInt((sign === '-' ? '-' : '') + digits.slice(0, 20)))
}

function durationOf(value: Value, since: (time: GoTime) => bigint): bigint {
  const time = timeIn(value)
  if (time !== undefined) return since(time)
  if (value instanceof GoInt && value.type.name === 'int64') return value.value
  if (typeof value !== 'string') return 0n
  try {
    return parseDuration(value)
  } catch {
    return 0n
  }
}

/** The largest unit that is exceeded: `2mo`, `5h`. */
function roughly(duration: bigint): string {
  const size = duration < 0n ? -duration : duration
  const hour = 3600n * SECOND
  const units = [
    [hour * 24n * 365n, 'y'],
    [hour * 24n * 30n, 'mo'],
    [hour * 24n, 'd'],
    [hour, 'h'],
    [60n * SECOND, 'm'],
    [SECOND, 's'],
  ] as const
  const [unit, name] = units.find(([length]) => size > length) ?? [0n, '']
  return name === '' ? '0s' : `${size / unit}${name}`
}

function bounded(value: bigint): bigint {
  if (value > MAX_DURATION) return MAX_DURATION
  return value < -MAX_DURATION - 1n ? -MAX_DURATION - 1n : value
}
