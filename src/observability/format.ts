import { hostname } from 'node:os'
import type { LogFields } from '../kernel/logger.ts'
import { describeName, type FieldName, fieldJson } from './fields.ts'
import { escapeInJson, quoteJson, quoteText } from './quote.ts'

export type LogLevelName = 'error' | 'warn' | 'info' | 'debug'

export type LogFormat = 'json' | 'json_pretty' | 'gelf' | 'text'

/** Makes one entry, with the newline at its end. */
export type Formatter = (level: LogLevelName, nowMs: number, message: string, fields: LogFields) => string

/** What every entry says of its source. */
export interface LogSource {
  readonly serviceName: string
  readonly serviceVersion: string
}

/** Oathkeeper's formats. */
export function createFormatter(format: LogFormat, source: LogSource): Formatter {
  switch (format) {
    case 'json':
      return jsonFormatter(source)
    case 'json_pretty':
      return prettyFormatter(source)
    case 'gelf':
      return gelfFormatter(source)
    case 'text':
      return textFormatter()
  }
}

function jsonFormatter(source: LogSource): Formatter {
  const time = createTimeWriter()
  const tail = `,${sourceJson(source)}}\n`
  return (level, nowMs, message, fields) =>
    `{"time":"${time(nowMs)}","level":"${level}","msg":${quoteJson(message)}${membersJson(fields, '')}${tail}`
}

function prettyFormatter(source: LogSource): Formatter {
  const json = jsonFormatter(source)
  return (level, nowMs, message, fields) => {
    const pretty = JSON.stringify(JSON.parse(json(level, nowMs, message, fields)), null, 2)
    return `${escapeInJson(pretty)}\n`
  }
}

/** Severities of syslog, which GELF uses. */
const SEVERITIES = { error: 3, warn: 4, info: 6, debug: 7 } as const

function gelfFormatter(source: LogSource): Formatter {
  const head = `{"version":"1.1","host":${quoteJson(hostname())},"short_message":`
  const tail = `,"_service_name":${quoteJson(source.serviceName)},"_service_version":${quoteJson(source.serviceVersion)}}\n`
  return (level, nowMs, message, fields) =>
    `${head}${quoteJson(message)},"timestamp":${nowMs / 1000},"level":${SEVERITIES[level]}${membersJson(fields, '_')}${tail}`
}

/** For people: without what every entry would repeat. */
function textFormatter(): Formatter {
  const time = createTimeWriter()
  return (level, nowMs, message, fields) => {
    let line = `time="${time(nowMs)}" level=${level} msg=${quoteJson(message)}`
    for (const name in fields) {
      const value = fields[name]
      if (value === undefined) continue
      const field = describeName(name)
      line += ` ${field.text}=${typeof value === 'string' && !field.isSecret ? quoteText(value) : fieldText(field, value)}`
    }
    return `${line}\n`
  }
}

function fieldText(field: FieldName, value: unknown): string {
  const json = fieldJson(field, value)
  return typeof value === 'object' && value !== null ? quoteText(json) : json
}

function membersJson(fields: LogFields, prefix: string): string {
  let members = ''
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined) continue
    const field = describeName(name)
    members += `,${prefix === '' ? field.json : quoteJson(prefix + name)}:${fieldJson(field, value)}`
  }
  return members
}

function sourceJson({ serviceName, serviceVersion }: LogSource): string {
  return `"service_name":${quoteJson(serviceName)},"service_version":${quoteJson(serviceVersion)},"audience":"application"`
}

/** Writes times as RFC 3339 in UTC with milliseconds; all but the milliseconds is made once a second. */
function createTimeWriter(): (nowMs: number) => string {
  let second = -1
  let prefix = ''
  return (nowMs) => {
    const current = Math.floor(nowMs / 1000)
    if (current !== second) {
      second = current
      prefix = new Date(current * 1000).toISOString().slice(0, -4)
    }
    return `${prefix}${String(nowMs - current * 1000).padStart(3, '0')}Z`
  }
}
