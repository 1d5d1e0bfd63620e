import { isSpace, lower, runesOf } from '../values/text.ts'

type WordKind = 'number' | 'upper' | 'letters' | 'connector' | 'punctuation' | 'other' | 'none'

interface Word {
  readonly kind: WordKind
  readonly text: string
}

const NONE: Word = { kind: 'none', text: '' }
const UPPER = /^\p{Lu}$/u
/** A byte that is not UTF-8, or the character that stands for one. */
const STRAY = /[\ud800-\udfff\ufffd]/gu
const UNIT = new RegExp(`${STRAY.source}*(?!${STRAY.source})[^](?:${STRAY.source}+$)?|${STRAY.source}+$`, 'gu')

/** Letters, but for the Han characters that are counted as words of their own. */
const LETTER = /^(?![\u3400-\u4d85\u4e00-\u9fcc\u{20000}-\u{2b81d}])\p{L}$/u
const NUMBER = /^\p{N}$/u
const PUNCTUATION = /^\p{P}$/u

/** Writes `FirstName` as `first_name`, with any connector; numbers stay with the word that they belong to. */
export function separateWords(text: string, connector: string): string {
  const words = wordsOf(text)
  let i = 0
  let out = ''
  const take = (): Word => words[i++] ?? NONE
  const write = (word: Word): void => {
    out += isChanged(word.kind)
      ? runesOf(word.text)
          .map((rune) => (isConnector(rune) ? connector : lower(rune)))
          .join('')
      : word.text
  }
  /** Takes letters and numbers as one word, and says whether another word follows that needs a connector. */
  const run = (from: Word): Word => {
    let word = from
    while (word.kind === 'letters' || word.kind === 'number') {
      write(word)
      word = take()
    }
    if (word.kind !== 'none' && word.kind !== 'punctuation' && word.kind !== 'connector') out += connector
    return word
  }

  let word = take()
  while (i < words.length) {
    const previous = word
    if (previous.kind !== 'connector') write(previous)
    word = take()
    switch (previous.kind) {
      case 'number':
        word = run(word)
        break
      case 'connector':
        write(previous)
        break
      case 'punctuation':
        break
      default: {
        if (word.kind !== 'number') {
          if (word.kind !== 'connector' && word.kind !== 'punctuation') out += connector
          break
        }
        if (i >= words.length) break
        const number = word
        word = take()
        if (word.kind === 'letters') {
          out += connector
          write(number)
          word = run(word)
          break
        }
        // A number at the end of a word belongs to it.
        write(number)
        if (word.kind !== 'connector' && word.kind !== 'punctuation') out += connector
      }
    }
  }
  write(word)
  return out
}

function isChanged(kind: WordKind): boolean {
  return kind === 'upper' || kind === 'connector'
}

function wordsOf(text: string): Word[] {
  // A byte that is not UTF-8 goes with the character after it.
  const units = text.match(UNIT) ?? []
  const runes = units.map((unit) => unit.replace(STRAY, ''))
  const words: Word[] = []
  for (let start = 0; start < runes.length;) {
    const kind = kindOfRune(runes[start] as string)
    const end = wordEnd(runes, start, kind)
    words.push({ kind, text: units.slice(start, end).join('') })
    start = end
  }
  return words
}

function kindOfRune(rune: string): WordKind {
  if (isConnector(rune)) return 'connector'
  if (PUNCTUATION.test(rune)) return 'punctuation'
  if (UPPER.test(rune)) return 'upper'
  if (LETTER.test(rune)) return 'letters'
  return NUMBER.test(rune) ? 'number' : 'other'
}

function wordEnd(runes: readonly string[], start: number, kind: WordKind): number {
  const scan = (from: number, belongs: (rune: string) => boolean): number => {
    let end = from
    while (end < runes.length && belongs(runes[end] as string)) end++
    return end
  }
  const isLowerLetter = (rune: string): boolean => LETTER.test(rune) && !UPPER.test(rune)
  switch (kind) {
    case 'connector':
      return scan(start + 1, isConnector)
    case 'upper': {
      const next = runes[start + 1]
      if (next === undefined || !UPPER.test(next)) return scan(start + 1, isLowerLetter)
      const end = scan(start + 1, (rune) => UPPER.test(rune))
      // The last capital before small letters begins the next word: `HTTPServer`.
      const after = runes[end]
      return after !== undefined && LETTER.test(after) ? end - 1 : end
    }
    case 'letters':
      return scan(start + 1, isLowerLetter)
    case 'number':
      return scan(start + 1, (rune) => NUMBER.test(rune))
    case 'punctuation':
      return scan(start + 1, (rune) => PUNCTUATION.test(rune))
    default:
      return scan(start + 1, (rune) => kindOfRune(rune) === 'other')
  }
}

function isConnector(rune: string): boolean {
  return rune === '-' || rune === '_' || isSpace(rune)
}
