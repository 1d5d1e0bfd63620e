import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { civilOf, daysInMonth, secondsOf } from './civil.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { formatTime, RFC3339_NANO } from './format-time.ts'
import { parseTime } from './parse-time.ts'
import { fixedZone, loadZone, UTC } from './zone.ts'

const second = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 })

describe('the calendar', () => {
  test('agrees with that of the runtime', () => {
    fc.assert(
      fc.property(second, (seconds) => {
        const civil = civilOf(seconds)
        const date = new Date(seconds * 1000)
        assert.deepEqual(
          [civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second, civil.weekday],
          [
            date.getUTCFullYear(),
            date.getUTCMonth() + 1,
            date.getUTCDate(),
            date.getUTCHours(),
            date.getUTCMinutes(),
            date.getUTCSeconds(),
            date.getUTCDay(),
          ],
        )
        assert.equal(secondsOf(civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second), seconds)
      }),
    )
  })

  test('knows leap years', () => {
    for (const [year, days] of [
      [2023, 28],
      [2024, 29],
      [1900, 28],
      [2000, 29],
    ] as const) {
      assert.equal(daysInMonth(year, 2), days)
    }
  })
})

describe('times', () => {
  test('what is formatted parses to the same moment', () => {
    const offset = fc.integer({ min: -14 * 60, max: 14 * 60 }).map((minutes) => minutes * 60)
    const moment = fc.tuple(fc.integer({ min: -60_000_000_000, max: 250_000_000_000 }), fc.nat(999_999_999), offset)
    fc.assert(
      fc.property(moment, ([seconds, nanoseconds, east]) => {
        const text = formatTime({ seconds, nanoseconds, zone: fixedZone('', east) }, RFC3339_NANO)
        const parsed = parseTime(RFC3339_NANO, text, UTC)
        assert.deepEqual([parsed.seconds, parsed.nanoseconds], [seconds, nanoseconds])
      }),
    )
  })

  test('any layout and text parse or are refused with an error', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (layout, text) => {
        try {
          parseTime(layout, text, UTC)
        } catch (error) {
          assert.match((error as Error).message, /^parsing time/)
        }
      }),
    )
  })

  test('zones have their offsets in winter and summer', () => {
    const berlin = loadZone('Europe/Berlin')
    assert.equal(berlin?.at(Date.UTC(2024, 0, 1) / 1000).offset, 3600)
    assert.equal(berlin?.at(Date.UTC(2024, 6, 1) / 1000).offset, 7200)
    assert.equal(loadZone('Asia/Kolkata')?.at(0).offset, 19_800)
  })

  test('what is no name of a zone is none, and no file is opened for it', () => {
    for (const name of ['Nope/Zone', '../../../etc/passwd', '/etc/passwd', 'a\0b', '.', 'UTC/..']) {
      assert.equal(loadZone(name), undefined)
    }
  })
})

describe('durations', () => {
  test('what is formatted parses to the same', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (nanoseconds) => {
        assert.equal(parseDuration(formatDuration(nanoseconds)), nanoseconds)
      }),
    )
  })
})
