import { type AssertionType } from './ast.ts'
import { type CharTest } from './char-test.ts'

/** Instructions; the operands follow each in {@link Program.code}. `memo` is the number of a choice, -1 for none. */
export const OP = {
  accept: 0,
  fail: 1,
  /** test */
  test: 2,
  /** test */
  testBackward: 3,
  /** text, direction */
  text: 4,
  /** test, count, direction */
  exactly: 5,
  /** test, most, direction, memo */
  greedy: 6,
  /** test, most, direction, memo */
  lazy: 7,
  /** other, memo: goes on, and later at `other` */
  branch: 8,
  /** to */
  jump: 9,
  /** register */
  savePosition: 10,
  /** register */
  restorePosition: 11,
  /** slot, register of its beginning */
  capture: 12,
  /** loop */
  loopBegin: 13,
  /** loop, body, memo */
  loopNext: 14,
  /** loop, body, memo */
  lazyLoopNext: 15,
  /** number in {@link ASSERTIONS} */
  assert: 16,
  /** slot, ignore case, direction */
  reference: 17,
  /** register: notes how deep the stack of choices is */
  mark: 18,
  /** register: forgets the choices since the mark */
  cut: 19,
  /** register: forgets the choices since the mark, then fails */
  cutAndFail: 20,
  /** register: begins what is decided on its own, look-arounds and atomic groups */
  enter: 21,
  /** register */
  leave: 22,
  /** slot, else */
  ifMatched: 23,
} as const

export const ASSERTIONS: readonly AssertionType[] = [
  'begin',
  'end',
  'endOrNewline',
  'lineBegin',
  'lineEnd',
  'wordBoundary',
  'notWordBoundary',
]

/** A count in code that means no limit. */
export const NO_LIMIT = 0x7fffffff

export interface Loop {
  /** Register of where the round began; -1 before the first. */
  readonly markRegister: number
  /** Register of the rounds beyond the least number; -1 where nobody counts. */
  readonly countRegister: number
  readonly first: number
  readonly most: number
  /** Whether a round may be empty, so that it matters whether one was. */
  readonly isNullable: boolean
  /** In how many states it can be, as far as what follows depends on it. */
  readonly states: number
}

/** A choice whose failures are remembered, with the loops around it whose state they depend on. */
export interface Memo {
  /** Number of the first of its states. */
  readonly base: number
  readonly loops: readonly Loop[]
}

export interface Program {
  readonly code: Int32Array
  readonly tests: readonly CharTest[]
  readonly texts: readonly { readonly runes: readonly number[]; readonly ignoreCase: boolean }[]
  readonly loops: readonly Loop[]
  readonly memos: readonly Memo[]
  /** How many states one position of the target has; 0 where failures may not be remembered. */
  readonly stateCount: number
  readonly registerCount: number
  readonly groupCount: number
  /** Register of the number of the innermost thing that is decided on its own. */
  readonly scopeRegister: number
}
