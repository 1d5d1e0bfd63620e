import { GateError } from '../kernel/errors.ts'
import type { Exchange } from '../kernel/exchange.ts'
import { toHeaderValue } from '../lib/header-value.ts'

/** Longest text that a template may give to a header or cookie. Servers commonly take 8 to 16 KiB of headers altogether. */
const MAX_VALUE_BYTES = 8 * 1024
/** Most that the headers set by one rule may hold together. */
const MAX_TOTAL_BYTES = 16 * 1024
/** Up to here a value is not worth adding up. */
const SMALL_VALUE_BYTES = 512

/** Sets a header for the upstream. `value` is in wire form. */
export function setHeader(exchange: Exchange, name: string, value: string): void {
  exchange.headers.set(name, [value])
  if (exchange.mirrorsHeaders) exchange.request.headers.set(name, value)
}

/**
 * Sets a header from a text. One that no upstream would take is refused here, with a reason, instead of becoming an
 * upstream's lasting 431 (ASVS 4.2.5).
 * @throws {GateError} ERR_MUTATED_HEADER_TOO_LARGE
 */
export function setHeaderText(exchange: Exchange, name: string, text: string): void {
  setHeaderChecked(exchange, name, toHeaderValue(text))
}

/**
 * As `setHeaderText`, from a value in wire form.
 * @throws {GateError} ERR_MUTATED_HEADER_TOO_LARGE
 */
export function setHeaderChecked(exchange: Exchange, name: string, value: string): void {
  if (value.length > SMALL_VALUE_BYTES) checkSize(exchange, name, value)
  setHeader(exchange, name, value)
}

/** @throws {GateError} ERR_MUTATED_HEADER_TOO_LARGE */
export function checkSize(exchange: Exchange, name: string, value: string): void {
  if (value.length > MAX_VALUE_BYTES) {
    throw tooLarge(exchange, `"${name}" is ${value.length} bytes long, ${MAX_VALUE_BYTES} are allowed`)
  }
  if (exchange.mirrorsHeaders) return
  let total = value.length
  for (const [other, values] of exchange.headers) if (other !== name) total += values[0]?.length ?? 0
  if (total <= MAX_TOTAL_BYTES) return
  throw tooLarge(
    exchange,
    `"${name}" makes the headers of the rule ${total} bytes long, ${MAX_TOTAL_BYTES} are allowed`,
  )
}

function tooLarge(exchange: Exchange, reason: string): GateError {
  return new GateError('ERR_MUTATED_HEADER_TOO_LARGE', {
    reason: `Header ${reason}.`,
    detail: `header ${reason} (rule "${exchange.ruleId}")`,
  })
}
