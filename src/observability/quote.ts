const PLAIN_JSON = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/
/** What JSON leaves alone and a terminal or a line-based reader does not: DEL, C1 controls, line and paragraph separator. */
const BEYOND_JSON = /[\x7f-\x9f\u2028\u2029\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const PLAIN_TEXT = /^[\w\-./@^+:]+$/

/** Writes a text as a JSON string that stays on one line and sends nothing to a terminal. */
export function quoteJson(text: string): string {
  return PLAIN_JSON.test(text) ? `"${text}"` : escapeInJson(JSON.stringify(text))
}

/** Escapes in JSON text what JSON itself would leave. */
export function escapeInJson(json: string): string {
  return json.replace(BEYOND_JSON, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Writes a text as the value of `key=value`: bare where that is clear, else quoted. */
export function quoteText(text: string): string {
  return PLAIN_TEXT.test(text) ? text : quoteJson(text)
}
