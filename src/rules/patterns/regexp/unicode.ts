import { PatternError } from '../delimiters.ts'

/** The highest code point. */
export const MAX_RUNE = 0x10ffff

/** What `\w`, `\b` and group names take for a character of a word: letters, non-spacing marks, decimal digits, connectors. */
export function isWordRune(rune: number): boolean {
  if (rune < 0x80) return WORD_ASCII[rune] === 1
  return WORD.test(String.fromCodePoint(rune)) || rune === 0x200c || rune === 0x200d
}

/** White space as `\s` understands it, U+00A0 among it. */
export function isSpaceRune(rune: number): boolean {
  return SPACE.test(String.fromCodePoint(rune))
}

/** The lower case of one character, always one character itself. */
export function toLowerRune(rune: number): number {
  if (rune < 0x80) return rune >= 0x41 && rune <= 0x5a ? rune + 0x20 : rune
  const known = LOWER.get(rune)
  if (known !== undefined) return known
  const lower = String.fromCodePoint(rune).toLowerCase()
  const first = lower.codePointAt(0) ?? rune
  // Only İ becomes more than one character; the first of them is its simple lower case.
  LOWER.set(rune, first)
  return first
}

/**
 * Whether characters belong to a general category (`Lu`, `L`), a script (`Greek`) or a property (`White_Space`).
 * @throws {PatternError} for a name that is none of these
 */
export function categoryTest(name: string): (rune: number) => boolean {
  let test = CATEGORIES.get(name)
  if (test === undefined) {
    const pattern = propertyPattern(name)
    test = (rune) => pattern.test(String.fromCodePoint(rune))
    CATEGORIES.set(name, test)
  }
  return test
}

function propertyPattern(name: string): RegExp {
  if (GENERAL_CATEGORIES.includes(name) || PROPERTIES.includes(name)) return new RegExp(`^\\p{${name}}$`, 'u')
  // Names of scripts are long names here; the four-letter codes are not known.
  if (/^[A-Z][a-z]/.test(name)) {
    try {
      return new RegExp(`^\\p{Script=${name}}$`, 'u')
    } catch {
      // Told below.
    }
  }
  if (/^(Other_\w+|Hyphen|Prepended_Concatenation_Mark)$/.test(name)) {
    throw new PatternError(`the Unicode property "${name}" is not supported`)
  }
  throw new PatternError(`unknown Unicode category, script or property "${name}"`)
}

const WORD = /^[\p{L}\p{Mn}\p{Nd}\p{Pc}]$/u
const WORD_ASCII = Uint8Array.from({ length: 0x80 }, (_, rune) => (WORD.test(String.fromCharCode(rune)) ? 1 : 0))
const SPACE = /^\p{White_Space}$/u
const LOWER = new Map<number, number>()
const CATEGORIES = new Map<string, (rune: number) => boolean>()
const GENERAL_CATEGORIES =
  'C Cc Cf Cn Co Cs L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs'.split(
    ' ',
  )
const PROPERTIES = (
  'ASCII_Hex_Digit Bidi_Control Dash Deprecated Diacritic Extender Hex_Digit IDS_Binary_Operator IDS_Trinary_Operator ' +
  'Ideographic Join_Control Logical_Order_Exception Noncharacter_Code_Point Pattern_Syntax Pattern_White_Space ' +
  'Quotation_Mark Radical Regional_Indicator STerm Sentence_Terminal Soft_Dotted Terminal_Punctuation ' +
  'Unified_Ideograph Variation_Selector White_Space'
).split(' ')
