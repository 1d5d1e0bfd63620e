/** Nesting beyond this is nobody's claim but somebody's attack. */
export const MAX_JSON_DEPTH = 64

/**
 * Parses JSON from a source that is not trusted to be small: refuses deep nesting before it is built, and drops keys
 * named `__proto__`, so that no later merge changes a prototype.
 * @throws {SyntaxError} when the text is no JSON or nested deeper than `maxDepth`.
 */
export function parseBoundedJson(text: string, maxDepth: number = MAX_JSON_DEPTH): unknown {
  if (isNestedDeeper(text, maxDepth)) throw new SyntaxError(`JSON is nested deeper than ${maxDepth} levels`)
  return MAYBE_PROTO.test(text) ? JSON.parse(text, dropProto) : JSON.parse(text)
}

// Any of its characters may be escaped; an escape of one of them is rare enough to go the slow way.
const MAYBE_PROTO = /__proto__|\\u00[5-7]/i

function dropProto(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value
}

/** Whether JSON text nests deeper than that; looks at no value. */
export function isNestedDeeper(text: string, maxDepth: number = MAX_JSON_DEPTH): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === BACKSLASH) i++
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) inString = true
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > maxDepth) return true
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--
  }
  return false
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
