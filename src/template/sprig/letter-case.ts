import { randomInt } from 'node:crypto'
import { fn, type GoFunc } from '../values/func.ts'
import { STRING } from '../values/param.ts'
import { isSpace, lower, runesOf, title, upper } from '../values/text.ts'
import { separateWords } from './words.ts'

/** Functions that change the case of letters, and with it how words are joined. */
export const LETTER_CASE: Readonly<Record<string, GoFunc>> = {
  camelcase: fn([STRING], pascalCase),
  kebabcase: fn([STRING], (text) => separateWords(text, '-')),
  shuffle: fn([STRING], shuffle),
  snakecase: fn([STRING], (text) => separateWords(text, '_')),
  swapcase: fn([STRING], swapCase),
  title: fn([STRING], titleWords),
  untitle: fn([STRING], untitle),
}

const UPPER = /^\p{Lu}$/u
const TITLE = /^\p{Lt}$/u
const LOWER = /^\p{Ll}$/u
const WORD = /^[\p{L}\p{Nd}_]$/u

/** `strings.Title`: the first letter of each word, and nothing else. */
function titleWords(text: string): string {
  let out = ''
  let isStart = true
  for (const rune of runesOf(text)) {
    out += isStart ? title(rune) : rune
    isStart = isSeparator(rune)
  }
  return out
}

function isSeparator(rune: string): boolean {
  if (WORD.test(rune)) return false
  return rune <= '\x7f' || isSpace(rune)
}

function untitle(text: string): string {
  let out = ''
  let isNext = true
  for (const rune of runesOf(text)) {
    if (isSpace(rune)) {
      isNext = true
      out += rune
    } else {
      out += isNext ? lower(rune) : rune
      isNext = false
    }
  }
  return out
}

function swapCase(text: string): string {
  let out = ''
  let isAfterSpace = true
  for (const rune of runesOf(text)) {
    if (UPPER.test(rune) || TITLE.test(rune)) {
      out += lower(rune)
      isAfterSpace = false
    } else if (LOWER.test(rune)) {
      out += isAfterSpace ? title(rune) : upper(rune)
      isAfterSpace = false
    } else {
      out += rune
      isAfterSpace = isSpace(rune)
    }
  }
  return out
}

function shuffle(text: string): string {
  const runes = runesOf(text)
  for (let i = runes.length - 1; i > 0; i--) {
    const j = randomInt(i + 1)
    ;[runes[i], runes[j]] = [runes[j] as string, runes[i] as string]
  }
  return runes.join('')
}

/** Words joined with a capital each; connectors in front stay. */
function pascalCase(text: string): string {
  const runes = runesOf(text)
  const start = runes.findIndex((rune) => !isConnector(rune))
  // Nothing but connectors: the last one is written twice.
  if (start < 0) return text + (runes.at(-1) ?? '')
  let out = runes.slice(0, start).join('')
  const first = runes[start] as string
  let isCapitals = UPPER.test(first)
  let current = upper(first)
  for (const next of runes.slice(start + 1)) {
    const previous = current
    current = next
    if (isConnector(previous)) {
      if (isConnector(current)) {
        out += previous
        continue
      }
      isCapitals = UPPER.test(current)
      current = upper(current)
      continue
    }
    // A run of capitals is a word in itself: only its first stays one.
    if (isCapitals) {
      if (UPPER.test(current)) current = lower(current)
      else isCapitals = false
    }
    out += previous
  }
  return out + current
}

function isConnector(rune: string): boolean {
  return rune === '-' || rune === '_' || isSpace(rune)
}
