import { type Civil, MONTHS, WEEKDAYS } from './civil.ts'
import { civilTime, type GoTime } from './go-time.ts'
import { isFraction, splitLayout } from './layout.ts'

export const RFC3339_NANO = '2006-01-02T15:04:05.999999999Z07:00'
const STRING_LAYOUT = '2006-01-02 15:04:05.999999999 -0700 MST'

/** `Time.Format`. */
export function formatTime(time: GoTime, layout: string): string {
  const civil = civilTime(time)
  let out = ''
  for (const { text, isElement } of splitLayout(layout)) out += isElement ? element(text, time, civil) : text
  return out
}

/** `Time.String`, without the reading of the monotonic clock. */
export function describeTime(time: GoTime): string {
  return formatTime(time, STRING_LAYOUT)
}

function element(text: string, time: GoTime, civil: Civil): string {
  const { year, month, day, hour, minute, second } = civil
  switch (text) {
    case '2006':
      return padded(year, 4)
    case '06':
      return padded(Math.abs(year) % 100, 2)
    case 'January':
      return MONTHS[month - 1] as string
    case 'Jan':
      return (MONTHS[month - 1] as string).slice(0, 3)
    case '1':
      return String(month)
    case '01':
      return padded(month, 2)
    case 'Monday':
      return WEEKDAYS[civil.weekday] as string
    case 'Mon':
      return (WEEKDAYS[civil.weekday] as string).slice(0, 3)
    case '2':
      return String(day)
    case '_2':
      return String(day).padStart(2)
    case '02':
      return padded(day, 2)
    case '__2':
      return String(civil.yearDay).padStart(3)
    case '002':
      return padded(civil.yearDay, 3)
    case '15':
      return padded(hour, 2)
    case '3':
      return String(hour % 12 || 12)
    case '03':
      return padded(hour % 12 || 12, 2)
    case '4':
      return String(minute)
    case '04':
      return padded(minute, 2)
    case '5':
      return String(second)
    case '05':
      return padded(second, 2)
    case 'PM':
      return hour >= 12 ? 'PM' : 'AM'
    case 'pm':
      return hour >= 12 ? 'pm' : 'am'
    case 'MST':
      return abbreviation(time)
    default:
      return isFraction(text) ? fraction(text, time.nanoseconds) : offset(text, time.zone.at(time.seconds).offset)
  }
}

function abbreviation({ zone, seconds }: GoTime): string {
  const { abbreviation: name, offset: east } = zone.at(seconds)
  return name === '' ? offset('-0700', east) : name
}

/** `-0700`, `-07:00`, `-07` with seconds or not; with `Z` in front UTC is `Z`. */
function offset(text: string, east: number): string {
  if (text.startsWith('Z') && east === 0) return 'Z'
  const size = Math.abs(east)
  const colon = text.includes(':') ? ':' : ''
  const digits = text.replace(/[^0-9]/g, '').length
  let out = (Math.trunc(east / 60) < 0 ? '-' : '+') + padded(Math.floor(size / 3600), 2)
  if (digits >= 4) out += colon + padded(Math.floor(size / 60) % 60, 2)
  if (digits >= 6) out += colon + padded(size % 60, 2)
  return out
}

function fraction(text: string, nanoseconds: number): string {
  const digits = padded(nanoseconds, 9)
    .slice(0, text.length - 1)
    .padEnd(text.length - 1, '0')
  if (text[1] === '0') return text[0] + digits
  const short = digits.replace(/0+$/, '')
  return short === '' ? '' : text[0] + short
}

function padded(value: number, width: number): string {
  return (value < 0 ? '-' : '') + String(Math.abs(value)).padStart(width, '0')
}
