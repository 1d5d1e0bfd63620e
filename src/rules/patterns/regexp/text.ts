import { type AssertionType } from './ast.ts'
import { type CharTest } from './char-test.ts'
import { isWordRune, toLowerRune } from './unicode.ts'

/** What is matched: the first `length` of the code points. */
export interface Text {
  readonly runes: Int32Array
  readonly length: number
}

/** 1 to the right, -1 to the left. */
export type Direction = number

/** Where `literal` ends that stands at a position, -1 where it does not stand there. */
export function textEnd(
  { runes, length }: Text,
  position: number,
  literal: { readonly runes: readonly number[]; readonly ignoreCase: boolean },
  direction: Direction,
): number {
  const size = literal.runes.length
  const begin = direction > 0 ? position : position - size
  if (begin < 0 || begin + size > length) return -1
  for (let i = 0; i < size; i++) {
    const rune = runes[begin + i] as number
    if ((literal.ignoreCase ? toLowerRune(rune) : rune) !== literal.runes[i]) return -1
  }
  return direction > 0 ? begin + size : begin
}

/** Where a part of the text ends that stands at a position again, -1 where it does not. */
export function referenceEnd(
  { runes, length }: Text,
  position: number,
  part: { readonly from: number; readonly size: number; readonly ignoreCase: boolean },
  direction: Direction,
): number {
  const { from, size, ignoreCase } = part
  const begin = direction > 0 ? position : position - size
  if (begin < 0 || begin + size > length) return -1
  for (let i = 0; i < size; i++) {
    const one = runes[from + i] as number
    const two = runes[begin + i] as number
    if (one !== two && !(ignoreCase && toLowerRune(one) === toLowerRune(two))) return -1
  }
  return direction > 0 ? begin + size : begin
}

/** How many characters in a row pass a test, `most` at most. */
export function runLength(
  { runes, length }: Text,
  position: number,
  test: CharTest,
  most: number,
  direction: Direction,
): number {
  const limit = Math.min(most, direction > 0 ? length - position : position)
  let at = direction > 0 ? position : position - 1
  let count = 0
  while (count < limit && test.has(runes[at] as number)) {
    count++
    at += direction
  }
  return count
}

/** Whether what `type` asserts is true at a position. */
export function holds({ runes, length }: Text, position: number, type: AssertionType): boolean {
  const left = length - position
  switch (type) {
    case 'begin':
      return position === 0
    case 'end':
      return left === 0
    case 'endOrNewline':
      return left === 0 || (left === 1 && runes[position] === NEWLINE)
    case 'lineBegin':
      return position === 0 || runes[position - 1] === NEWLINE
    case 'lineEnd':
      return left === 0 || runes[position] === NEWLINE
    default: {
      const isWordLeft = position > 0 && isWordRune(runes[position - 1] as number)
      const isWordRight = left > 0 && isWordRune(runes[position] as number)
      return (isWordLeft !== isWordRight) === (type === 'wordBoundary')
    }
  }
}

const NEWLINE = 0x0a
