import { quoteString } from '../format/quote.ts'
import { daysInMonth, daysOf, civilOf, MONTHS, WEEKDAYS } from './civil.ts'
import { type GoTime, timeOf } from './go-time.ts'
import { isFraction, type LayoutPart, splitLayout } from './layout.ts'
import { fixedZone, UTC, type Zone } from './zone.ts'

/**
 * `time.ParseInLocation`.
 * @throws {Error}
 */
export function parseTime(layout: string, text: string, local: Zone): GoTime {
  const reader = new Reader(text)
  const parts = splitLayout(layout)
  const fields: Fields = {}
  parts.forEach((part, i) => {
    if (!part.isElement) {
      if (!reader.skip(part.text)) throw mismatch(layout, part.text)
      return
    }
    const problem = readElement(reader, part.text, parts[i + 1], fields)
    if (problem === '') throw mismatch(layout, part.text)
    if (problem !== undefined) throw wrong(`${problem} out of range`)
  })
  if (reader.rest !== '') throw wrong('extra text')
  return assemble(fields, local)
}

interface Fields {
  year?: number
  month?: number
  day?: number
  yearDay?: number
  hour?: number
  minute?: number
  second?: number
  nanoseconds?: number
  isAfternoon?: boolean
  isUtc?: boolean
  /** Seconds east. */
  offset?: number
  zoneName?: string
}

/** What is left of a text. */
class Reader {
  rest: string

  constructor(text: string) {
    this.rest = text
  }

  take(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.rest)?.[0]
    if (found !== undefined) this.rest = this.rest.slice(found.length)
    return found
  }

  /** Text of the layout; spaces stand for any number of them. */
  skip(text: string): boolean {
    for (const piece of text.split(/( +)/)) {
      if (piece === '') continue
      if (piece.startsWith(' ')) {
        if (this.rest !== '' && !this.rest.startsWith(' ')) return false
        this.rest = this.rest.replace(/^ +/, '')
        continue
      }
      if (!this.rest.startsWith(piece)) return false
      this.rest = this.rest.slice(piece.length)
    }
    return true
  }
}

/** What reading an element gives: nothing when all is well, `''` when it does not match, or what is out of range. */
type Problem = string | undefined
type ReadElement = (reader: Reader, fields: Fields, next: LayoutPart | undefined) => Problem

const ONE_OR_TWO = /^[0-9]{1,2}/
const TWO = /^[0-9]{2}/

/** Readers of all elements but offsets and fractions of a second. */
const ELEMENTS: Readonly<Record<string, ReadElement>> = {
  '2006': number('year', /^[0-9]{4}/),
  '06': (reader, fields) => {
    const short = take(reader, TWO)
    if (short === undefined) return ''
    fields.year = short + (short >= 69 ? 1900 : 2000)
    return undefined
  },
  January: (reader, fields) => monthName(reader, fields, false),
  Jan: (reader, fields) => monthName(reader, fields, true),
  '1': number('month', ONE_OR_TWO, 1, 12),
  '01': number('month', TWO, 1, 12),
  Monday: (reader) => (indexOfName(reader, WEEKDAYS, false) < 0 ? '' : undefined),
  Mon: (reader) => (indexOfName(reader, WEEKDAYS, true) < 0 ? '' : undefined),
  '2': number('day', ONE_OR_TWO),
  _2: afterSpaces(/^ /, number('day', ONE_OR_TWO)),
  '02': number('day', TWO),
  __2: afterSpaces(/^ {1,2}/, number('yearDay', /^[0-9]{1,3}/)),
  '002': number('yearDay', /^[0-9]{3}/),
  '15': number('hour', ONE_OR_TWO, 0, 23),
  '3': number('hour', ONE_OR_TWO, 0, 12),
  '03': number('hour', TWO, 0, 12),
  '4': number('minute', ONE_OR_TWO, 0, 59),
  '04': number('minute', TWO, 0, 59),
  '5': withFraction(number('second', ONE_OR_TWO, 0, 59)),
  '05': withFraction(number('second', TWO, 0, 59)),
  PM: (reader, fields) => halfOfDay(reader, fields, /^[AP]M/),
  pm: (reader, fields) => halfOfDay(reader, fields, /^[ap]m/),
  MST: (reader, fields) => (readZoneName(reader, fields) ? undefined : ''),
}

function readElement(reader: Reader, element: string, next: LayoutPart | undefined, fields: Fields): Problem {
  const read = ELEMENTS[element]
  if (read !== undefined) return read(reader, fields, next)
  if (!isFraction(element)) return readOffset(reader, element, fields)
  if (element[1] === '9') readFraction(reader, fields, /^[.,][0-9]+/)
  else if (!readFraction(reader, fields, new RegExp(`^[.,][0-9]{${element.length - 1}}`))) return ''
  return undefined
}

function take(reader: Reader, pattern: RegExp): number | undefined {
  const digits = reader.take(pattern)
  return digits === undefined ? undefined : Number(digits)
}

function number(
  field: 'year' | 'month' | 'day' | 'yearDay' | 'hour' | 'minute' | 'second',
  pattern: RegExp,
  low = 0,
  high = Number.POSITIVE_INFINITY,
): ReadElement {
  return (reader, fields) => {
    const value = take(reader, pattern)
    if (value === undefined) return ''
    fields[field] = value
    return value < low || value > high ? field : undefined
  }
}

function afterSpaces(spaces: RegExp, read: ReadElement): ReadElement {
  return (reader, fields, next) => {
    reader.take(spaces)
    return read(reader, fields, next)
  }
}

/** A fraction may follow the seconds without being in the layout. */
function withFraction(read: ReadElement): ReadElement {
  return (reader, fields, next) => {
    const problem = read(reader, fields, next)
    const isNamed = next?.isElement === true && isFraction(next.text)
    if (problem === undefined && !isNamed) readFraction(reader, fields, /^[.,][0-9]+/)
    return problem
  }
}

function monthName(reader: Reader, fields: Fields, isShort: boolean): Problem {
  const index = indexOfName(reader, MONTHS, isShort)
  if (index < 0) return ''
  fields.month = index + 1
  return undefined
}

function halfOfDay(reader: Reader, fields: Fields, pattern: RegExp): Problem {
  const half = reader.take(pattern)
  if (half === undefined) return ''
  fields.isAfternoon = half.toLowerCase() === 'pm'
  return undefined
}

function indexOfName(reader: Reader, names: readonly string[], isShort: boolean): number {
  const lower = reader.rest.toLowerCase()
  const index = names.findIndex((name) => lower.startsWith((isShort ? name.slice(0, 3) : name).toLowerCase()))
  if (index >= 0) reader.rest = reader.rest.slice(isShort ? 3 : (names[index] as string).length)
  return index
}

function readFraction(reader: Reader, fields: Fields, pattern: RegExp): boolean {
  const digits = reader.take(pattern)
  if (digits !== undefined) fields.nanoseconds = Number(digits.slice(1, 10).padEnd(9, '0'))
  return digits !== undefined
}

function readOffset(reader: Reader, element: string, fields: Fields): string | undefined {
  if (element.startsWith('Z') && reader.take(/^Z/) !== undefined) {
    fields.isUtc = true
    return undefined
  }
  const colon = element.includes(':') ? ':' : ''
  const pairs = element.replace(/[^0-9]/g, '').length / 2
  const found = reader.take(new RegExp(`^[+-][0-9]{2}(?:${colon}[0-9]{2}){${pairs - 1}}`))
  if (found === undefined) return ''
  const [hours = 0, minutes = 0, seconds = 0] = (found.match(/[0-9]{2}/g) ?? []).map(Number)
  if (hours > 24) return 'time zone offset hour'
  if (minutes > 60) return 'time zone offset minute'
  if (seconds > 60) return 'time zone offset second'
  const size = hours * 3600 + minutes * 60 + seconds
  fields.offset = found.startsWith('-') ? -size : size
  return undefined
}

/** A zone's abbreviation: three to five capitals, or an offset. */
function readZoneName(reader: Reader, fields: Fields): boolean {
  if (reader.take(/^UTC/) !== undefined) {
    fields.isUtc = true
    return true
  }
  const name = reader.take(
    /^(?:ChST|MeST|GMT(?:[+-](?:[01]?[0-9]|2[0-3])(?![0-9]))?|[+-](?:[01]?[0-9]|2[0-3])(?![0-9])|[A-Z]{4}T(?![A-Z])|(?:[A-Z]{3}T|WITA)(?![A-Z])|[A-Z]{3}(?![A-Z]))/,
  )
  if (name !== undefined) fields.zoneName = name
  return name !== undefined
}

function assemble(fields: Fields, local: Zone): GoTime {
  const { year = 0, minute = 0, second = 0, nanoseconds = 0, isAfternoon } = fields
  let { hour = 0 } = fields
  if (isAfternoon === true && hour < 12) hour += 12
  else if (isAfternoon === false && hour === 12) hour = 0
  const { month, day } = dateOf(fields)
  const clock = [year, month, day, hour, minute, second] as const
  if (fields.isUtc === true) return timeOf(UTC, clock, nanoseconds)
  const { offset, zoneName = '' } = fields
  if (offset === undefined && zoneName === '') return timeOf(local, clock, nanoseconds)
  const asUtc = timeOf(UTC, clock, nanoseconds)
  if (offset !== undefined) {
    const seconds = asUtc.seconds - offset
    const here = local.at(seconds)
    const isHere = here.offset === offset && (zoneName === '' || here.abbreviation === zoneName)
    return { seconds, nanoseconds, zone: isHere ? local : fixedZone(zoneName, offset) }
  }
  const known = local.offsetOf(zoneName)
  if (known !== undefined) return { seconds: asUtc.seconds - known, nanoseconds, zone: local }
  // A name that nobody here knows is kept; only GMT says its offset, and Go does not apply even that.
  const named = zoneName.startsWith('GMT') ? Number(zoneName.slice(3) || '0') * 3600 : 0
  return { ...asUtc, zone: fixedZone(zoneName, named) }
}

function dateOf({ year = 0, month, day, yearDay }: Fields): { month: number; day: number } {
  if (yearDay === undefined) {
    const given = { month: month ?? 1, day: day ?? 1 }
    if (given.day < 1 || given.day > daysInMonth(year, given.month)) throw wrong('day out of range')
    return given
  }
  const civil = civilOf((daysOf(year, 1, 1) + yearDay - 1) * 86_400)
  if (yearDay < 1 || civil.year !== year) throw wrong('day-of-year out of range')
  if (month !== undefined && month !== civil.month) throw wrong('day-of-year does not match month')
  if (day !== undefined && day !== civil.day) throw wrong('day-of-year does not match day')
  return civil
}

// Go's messages without the text itself, which may be anything.
function mismatch(layout: string, element: string): Error {
  return new Error(`parsing time as ${quoteString(layout)}: cannot parse as ${quoteString(element)}`)
}

function wrong(what: string): Error {
  return new Error(`parsing time: ${what}`)
}
