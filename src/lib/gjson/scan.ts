/*
 * Reading JSON text without checking it. All texts in this folder are byte strings: one character is one byte of UTF-8,
 * so that comparing, ordering and counting are those of bytes.
 */

export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const BACKSLASH = 0x5c
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
const OPEN_PAREN = 0x28
const CLOSE_PAREN = 0x29
const SPACE = 0x20

/** White space and every other control character. */
export function isBlank(code: number): boolean {
  return code <= SPACE
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/**
 * Where a string ends, behind its closing quote; -1 when it never does.
 * @param from behind the opening quote
 */
export function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (at - 1 - slashes >= from && text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return at + 1
  }
  return -1
}

/** Where a number ends, or what is taken for one: `nan`, `+1`, `0x`. */
export function endOfNumber(text: string, from: number): number {
  let at = from + 1
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isBlank(code) || code === COMMA || code === CLOSE_BRACKET || code === CLOSE_BRACE) break
  }
  return Math.min(at, text.length)
}

/** Where `true`, `false`, `null`, or another word of small letters, ends. */
export function endOfLiteral(text: string, from: number): number {
  let at = from + 1
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x61 || code > 0x7a) break
  }
  return Math.min(at, text.length)
}

/**
 * Where an object or list ends, whatever is inside; brackets of all kinds count as one kind. Without an end it is the
 * end of the text, and one more when that is inside a string.
 * @param from its opening bracket
 */
export function endOfBlock(text: string, from: number): number {
  let depth = 1
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at + 1)
      if (end === -1) return text.length + 1
      at = end - 1
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET || code === OPEN_PAREN) depth++
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET || code === CLOSE_PAREN) {
      if (--depth === 0) return at + 1
    }
  }
  return text.length
}

/** A bracketed or quoted argument at the beginning of a text, else all of it. */
export function leadingBlock(text: string): string {
  if (text.charCodeAt(0) !== QUOTE) return text.slice(0, endOfBlock(text, 0))
  const end = endOfString(text, 1)
  return end === -1 ? text : text.slice(0, end)
}

export type NumberOrWord = 'number' | 'word' | undefined

/** Whether a value that is no string, object or list begins here: a number in the widest sense, or a word. */
export function numberOrWordAt(text: string, at: number): NumberOrWord {
  switch (text[at]) {
    case 't':
    case 'f':
      return 'word'
    case 'n':
      return at + 1 < text.length && text[at + 1] !== 'u' ? 'number' : 'word'
    case '+':
    case '-':
    case 'i':
    case 'I':
    case 'N':
      return 'number'
    default:
      return isDigit(text.charCodeAt(at)) ? 'number' : undefined
  }
}

/** Without blanks at both ends. */
export function trimBlanks(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}
