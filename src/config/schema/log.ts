import { z } from 'zod'

/** Says how to see what is hidden, as Oathkeeper's does. */
const REDACTED = '[redacted; log.leak_sensitive_values (LOG_LEAK_SENSITIVE_VALUES=true) shows it]'

/** `log`: what is told on standard error. */
export const logSchema = z
  .strictObject({
    level: z
      .enum(['panic', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'])
      .default('info')
      .describe('The least urgent level that is logged.'),
    format: z.enum(['text', 'json', 'json_pretty', 'gelf']).default('text').describe('Form of a log line.'),
    leak_sensitive_values: z
      .boolean()
      .default(false)
      .describe('Shows what `debug` hides of requests: credentials in headers, and queries. Our own cookies stay hidden.'),
    redaction_text: z.string().optional().describe('What stands in place of what is hidden.'),
    additional_redacted_headers: z.array(z.string()).default([]).describe('Further headers of requests that are hidden.'),
  })
  .transform((wire) => ({
    level: wire.level,
    format: wire.format,
    leakSensitiveValues: wire.leak_sensitive_values,
    redactionText: wire.redaction_text === undefined || wire.redaction_text === '' ? REDACTED : wire.redaction_text,
    additionalRedactedHeaders: wire.additional_redacted_headers.map((name) => name.toLowerCase()),
  }))

export type LogConfig = z.output<typeof logSchema>
