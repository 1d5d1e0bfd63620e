import { readFileSync } from 'node:fs'
import { LRUCache } from 'lru-cache'

/** A time zone. */
export interface Zone {
  readonly name: string
  /** Seconds east of UTC, and what the zone calls that; an empty name when it has none. */
  at(seconds: number): { readonly offset: number; readonly abbreviation: string }
  /** Seconds east of UTC of an abbreviation of this zone. */
  offsetOf(abbreviation: string): number | undefined
}

/** Where systems keep the time zone database. */
const DATABASES = ['/usr/share/zoneinfo/', '/usr/share/lib/zoneinfo/', '/usr/lib/locale/TZ/', '/etc/zoneinfo/']
/** JavaScript dates end here. */
const LAST_SECOND = 8.64e12

export const UTC: Zone = fixedZone('UTC', 0)

const zones = new LRUCache<string, Zone>({ max: 100 })

/** A zone that is always the same. */
export function fixedZone(name: string, offset: number): Zone {
  return {
    name,
    at: () => ({ offset, abbreviation: name }),
    offsetOf: (abbreviation) => (abbreviation === name ? offset : undefined),
  }
}

let local: Zone | undefined

/** The zone of this process. */
export function localZone(): Zone {
  if (local === undefined) {
    const name = new Intl.DateTimeFormat().resolvedOptions().timeZone
    const isUtc = name === 'UTC' || name === 'Etc/UTC'
    local = { ...((isUtc ? undefined : loadZone(name)) ?? UTC), name: 'Local' }
  }
  return local
}

/** A zone of the time zone database by its name; nothing when there is none. */
export function loadZone(name: string): Zone | undefined {
  if (name === '' || name === 'UTC') return UTC
  if (name === 'Local') return localZone()
  let zone = zones.get(name)
  if (zone === undefined && /^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) {
    zone = makeZone(name)
    if (zone !== undefined) zones.set(name, zone)
  }
  return zone
}

function makeZone(name: string): Zone | undefined {
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
  } catch {
    return undefined
  }
  const names = readAbbreviations(name)
  return {
    name,
    at(seconds) {
      const offset = offsetAt(format, seconds)
      return { offset, abbreviation: names.get(offset) ?? numeric(offset) }
    },
    offsetOf: (abbreviation) => [...names].find(([, known]) => known === abbreviation)?.[0],
  }
}

function offsetAt(format: Intl.DateTimeFormat, seconds: number): number {
  const bounded = Math.min(Math.max(seconds, -LAST_SECOND), LAST_SECOND)
  const text = format.formatToParts(bounded * 1000).find((part) => part.type === 'timeZoneName')?.value ?? ''
  const [, sign, hours = '0', minutes = '0', rest = '0'] = /([+-])([0-9]+):?([0-9]+)?:?([0-9]+)?/.exec(text) ?? []
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest)
  return sign === '-' ? -size : size
}

/**
 * What a zone calls its offsets. The runtime has names in English for few zones, so the footer of the database's own
 * file is read: `CET-1CEST,M3.5.0,M10.5.0/3`.
 */
function readAbbreviations(name: string): Map<number, string> {
  const names = new Map<number, string>()
  const [, standard, offset, summer, summerOffset] =
    /^(<[^>]+>|[A-Za-z]+)([-+0-9:]+)(?:(<[^>]+>|[A-Za-z]+)([-+0-9:]+)?)?/.exec(readFooter(name)) ?? []
  if (standard === undefined || offset === undefined) return names
  const east = -secondsOfClock(offset)
  if (summer !== undefined) {
    names.set(summerOffset === undefined ? east + 3600 : -secondsOfClock(summerOffset), summer.replace(/[<>]/g, ''))
  }
  names.set(east, standard.replace(/[<>]/g, ''))
  return names
}

function readFooter(name: string): string {
  for (const database of DATABASES) {
    try {
      const lines = readFileSync(database + name, 'latin1')
        .trimEnd()
        .split('\n')
      return lines.at(-1) ?? ''
    } catch {
      continue
    }
  }
  return ''
}

function secondsOfClock(text: string): number {
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = /^([-+]?)([0-9]+):?([0-9]+)?:?([0-9]+)?$/.exec(text) ?? []
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return sign === '-' ? -size : size
}

/** Zones without a name of their own are called by their offset. */
function numeric(offset: number): string {
  const size = Math.abs(offset)
  const hours = String(Math.floor(size / 3600)).padStart(2, '0')
  const minutes = Math.floor(size / 60) % 60
  return `${offset < 0 ? '-' : '+'}${hours}${minutes === 0 ? '' : String(minutes).padStart(2, '0')}`
}
