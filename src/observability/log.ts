import { pino } from 'pino'
import { systemClock, type Clock } from '../kernel/clock.ts'
import type { LogFields, Logger } from '../kernel/logger.ts'
import { createFormatter, type LogFormat, type LogLevelName, type LogSource } from './format.ts'

/** `log.level` of the configuration. */
export type LogLevel = 'panic' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

export interface LogOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  readonly source: LogSource
  readonly clock?: Clock
  /** Default: standard error. */
  readonly sink?: LogSink
}

/** Where entries go: takes whole entries, several at once, and never throws. */
export interface LogSink {
  write(text: string): void
  /** Writes what is held back, before the process ends. */
  flushSync(): void
}

/** The process's log. Entries of requests are gathered and written together, all others go out at once. */
export interface Log extends Logger {
  isEnabled(level: LogLevelName): boolean
  /** An entry that may wait for others, for what is written per request. */
  batch(level: LogLevelName, fields: LogFields, message: string): void
  /** Writes everything that is held back; for the end of the process. */
  flushSync(): void
}

const LEVELS: Readonly<Record<LogLevel, number>> = {
  panic: 0,
  fatal: 1,
  error: 2,
  warn: 3,
  info: 4,
  debug: 5,
  trace: 6,
}

const BATCH_CHARS = 64 * 1024
const BATCH_DELAY_MS = 100

/** Creates the log. */
export function createLog(options: LogOptions): Log {
  const clock = options.clock ?? systemClock
  const sink = options.sink ?? standardError()
  const format = createFormatter(options.format, options.source)
  const limit = LEVELS[options.level]
  let held = ''
  let cancelTimer: (() => void) | undefined

  const release = (): void => {
    cancelTimer?.()
    cancelTimer = undefined
    if (held === '') return
    const text = held
    held = ''
    sink.write(text)
  }

  const writer = (level: LogLevelName): ((fields: LogFields, message: string) => void) => {
    if (LEVELS[level] > limit) return () => {}
    return (fields, message) => {
      held += format(level, clock.now(), message, fields)
      release()
    }
  }

  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    isEnabled: (level) => LEVELS[level] <= limit,
    batch(level, fields, message) {
      if (LEVELS[level] > limit) return
      held += format(level, clock.now(), message, fields)
      if (held.length >= BATCH_CHARS) release()
      else cancelTimer ??= clock.schedule(BATCH_DELAY_MS, release)
    },
    flushSync() {
      release()
      sink.flushSync()
    },
  }
}

/** Most that waits for a reader who does not read; what comes on top is dropped rather than kept for ever. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024
const STDERR = 2

/** Writes to standard error without waiting for it. A reader that is gone or slow never holds up a request. */
export function standardError(): LogSink {
  const destination = pino.destination({ dest: STDERR, sync: false, minLength: 0, maxLength: MAX_WAITING_BYTES })
  // A closed pipe or a full disk must not end the process; the next entry tries again.
  destination.on('error', () => {})
  return {
    write: (text) => destination.write(text),
    flushSync() {
      try {
        destination.flushSync()
      } catch {
        // Nobody is there to be told.
      }
    },
  }
}
