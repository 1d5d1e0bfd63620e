import { fn, type GoFunc, methods } from '../values/func.ts'
import { INT, type Param, STRING } from '../values/param.ts'
import { GoInt, GoStruct, INT64, type IntType, type StructType, UINT64, type Value } from '../values/value.ts'
import { MONTHS, WEEKDAYS } from './civil.ts'
import { formatDuration, MAX_DURATION, roundDuration } from './duration.ts'
import { describeTime, formatTime, RFC3339_NANO } from './format-time.ts'
import { addNanoseconds, civilTime, compareTimes, type GoTime, nanosecondsOf, timeOf, ZERO_TIME } from './go-time.ts'
import { localZone, UTC } from './zone.ts'

const MONTH: IntType = { name: 'time.Month', kind: 'int', string: (v) => MONTHS[Number(v) - 1] ?? `%!Month(${v})` }
const WEEKDAY: IntType = { name: 'time.Weekday', kind: 'int', string: (v) => WEEKDAYS[Number(v)] ?? `%!Weekday(${v})` }

const DURATION_SELF: Param<GoInt> = {
  name: 'time.Duration',
  literal: 'int',
  accepts: (v) => v instanceof GoInt && v.type === DURATION,
  wrap: (v) => duration(v),
}

/** Go's time.Duration. */
const DURATION: IntType = {
  name: 'time.Duration',
  kind: 'int64',
  string: formatDuration,
  methods: methods({
    Abs: fn([DURATION_SELF], ({ value }) => duration(value < 0n ? -value : value)),
    Hours: fn([DURATION_SELF], ({ value }) => Number(value) / 3.6e12),
    Microseconds: fn([DURATION_SELF], ({ value }) => new GoInt(value / 1000n, INT64)),
    Milliseconds: fn([DURATION_SELF], ({ value }) => new GoInt(value / 1_000_000n, INT64)),
    Minutes: fn([DURATION_SELF], ({ value }) => Number(value) / 6e10),
    Nanoseconds: fn([DURATION_SELF], ({ value }) => new GoInt(value, INT64)),
    Round: fn([DURATION_SELF, DURATION_SELF], (a, b) => duration(roundDuration(a.value, b.value))),
    Seconds: fn([DURATION_SELF], ({ value }) => Number(value) / 1e9),
    String: fn([DURATION_SELF], ({ value }) => formatDuration(value)),
    Truncate: fn([DURATION_SELF, DURATION_SELF], (a, b) =>
      b.value <= 0n ? a : duration(a.value - (a.value % b.value)),
    ),
  }),
}

const SELF: Param<GoStruct> = {
  name: 'time.Time',
  literal: 'none',
  accepts: (v) => v instanceof GoStruct && v.type === TIME && !v.isPointer,
}

/** Go's time.Time. */
const TIME: StructType = {
  name: 'time.Time',
  fields: [
    { name: 'wall', get: (self) => new GoInt(BigInt(asTime(self).nanoseconds), UINT64) },
    { name: 'ext', get: (self) => new GoInt(BigInt(asTime(self).seconds - ZERO_TIME.seconds), INT64) },
    { name: 'loc', get: (self) => asTime(self).zone.name },
  ],
  methods: methods({
    Add: fn([SELF, DURATION_SELF], ({ self }, { value }) => timeValue(addNanoseconds(asTime(self), value))),
    AddDate: fn([SELF, INT, INT, INT], ({ self }, years, months, days) =>
      timeValue(addDate(asTime(self), Number(years), Number(months), Number(days))),
    ),
    After: fn([SELF, SELF], (a, b) => compareTimes(asTime(a.self), asTime(b.self)) > 0),
    Before: fn([SELF, SELF], (a, b) => compareTimes(asTime(a.self), asTime(b.self)) < 0),
    Compare: fn([SELF, SELF], (a, b) => BigInt(compareTimes(asTime(a.self), asTime(b.self)))),
    Day: civilMethod('day'),
    Equal: fn([SELF, SELF], (a, b) => compareTimes(asTime(a.self), asTime(b.self)) === 0),
    Format: fn([SELF, STRING], ({ self }, layout) => formatTime(asTime(self), layout)),
    Hour: civilMethod('hour'),
    IsZero: fn([SELF], ({ self }) => compareTimes(asTime(self), ZERO_TIME) === 0),
    Local: fn([SELF], ({ self }) => timeValue({ ...asTime(self), zone: localZone() })),
    Location: fn([SELF], ({ self }) => asTime(self).zone.name),
    Minute: civilMethod('minute'),
    Month: fn([SELF], ({ self }) => new GoInt(BigInt(civilTime(asTime(self)).month), MONTH)),
    Nanosecond: fn([SELF], ({ self }) => BigInt(asTime(self).nanoseconds)),
    Second: civilMethod('second'),
    String: fn([SELF], ({ self }) => describeTime(asTime(self))),
    Sub: fn([SELF, SELF], (a, b) => duration(nanosecondsOf(asTime(a.self)) - nanosecondsOf(asTime(b.self)))),
    UTC: fn([SELF], ({ self }) => timeValue({ ...asTime(self), zone: UTC })),
    Unix: fn([SELF], ({ self }) => new GoInt(BigInt(asTime(self).seconds), INT64)),
    UnixMicro: unixMethod(1000n),
    UnixMilli: unixMethod(1_000_000n),
    UnixNano: unixMethod(1n),
    Weekday: fn([SELF], ({ self }) => new GoInt(BigInt(civilTime(asTime(self)).weekday), WEEKDAY)),
    Year: civilMethod('year'),
    YearDay: civilMethod('yearDay'),
  }),
  string: (self) => describeTime(asTime(self)),
  json: (self) => formatTime(asTime(self), RFC3339_NANO),
}

/** A time.Time. */
export function timeValue(time: GoTime): GoStruct {
  return new GoStruct(TIME, false, time)
}

/** The time that a value is, or nothing. */
export function timeIn(value: Value): GoTime | undefined {
  return value instanceof GoStruct && value.type === TIME && value.self !== null ? asTime(value.self) : undefined
}

/** A parameter of type time.Time. */
export const TIME_PARAM = SELF

function duration(nanoseconds: bigint): GoInt {
  const bounded = nanoseconds > MAX_DURATION ? MAX_DURATION : nanoseconds
  return new GoInt(bounded < -MAX_DURATION - 1n ? -MAX_DURATION - 1n : bounded, DURATION)
}

function civilMethod(part: 'year' | 'day' | 'hour' | 'minute' | 'second' | 'yearDay'): GoFunc {
  return fn([SELF], ({ self }) => BigInt(civilTime(asTime(self))[part]))
}

function unixMethod(unit: bigint): GoFunc {
  return fn([SELF], ({ self }) => {
    const total = nanosecondsOf(asTime(self))
    const rest = ((total % unit) + unit) % unit
    return new GoInt(BigInt.asIntN(64, (total - rest) / unit), INT64)
  })
}

function addDate(time: GoTime, years: number, months: number, days: number): GoTime {
  const { year, month, day, hour, minute, second } = civilTime(time)
  return timeOf(time.zone, [year + years, month + months, day + days, hour, minute, second], time.nanoseconds)
}

function asTime(self: unknown): GoTime {
  return self as GoTime
}
