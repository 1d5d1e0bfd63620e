import { type CharTest } from './char-test.ts'
import { type ChoiceStack } from './choice-stack.ts'
import { type Loop, type Memo, type Program } from './code.ts'
import { type Direction, type Text } from './text.ts'

/** 16 MiB, shared by all patterns. */
const MOST_ENTRIES = 1 << 22
const MOST_SCOPES = 0x7fffffff

/** For each state and position the scope in which it was tried last. */
let tried = new Int32Array(0)
let lastScope = 0

/**
 * Remembers where a choice was tried. What fails there once fails always, for the choice, its position and the state of
 * the loops around it decide all that can follow. Within a look-around or an atomic group it only holds until that
 * is decided, so each evaluation of one is a scope of its own.
 */
export class Failures {
  readonly #program: Program
  readonly #choices: ChoiceStack
  #width = 0
  #isOn = false

  constructor(program: Program, choices: ChoiceStack) {
    this.#program = program
    this.#choices = choices
  }

  /** Begins a match of a text of so many characters. */
  clear(length: number): void {
    this.#width = length + 1
    this.#isOn = false
    this.#choices.set(this.#program.scopeRegister, this.nextScope())
  }

  get isOn(): boolean {
    return this.#isOn
  }

  /** From now on failures are remembered, unless the pattern or the size forbid it. */
  remember(): void {
    const size = this.#program.stateCount * this.#width
    if (size === 0 || size > MOST_ENTRIES) return
    if (tried.length < size) tried = new Int32Array(Math.max(size, Math.min(2 * tried.length, MOST_ENTRIES)))
    this.#isOn = true
  }

  nextScope(): number {
    if (lastScope === MOST_SCOPES) {
      tried.fill(0)
      lastScope = 0
    }
    return ++lastScope
  }

  /** Whether the choice was tried here before; from now on it was. */
  isKnown(memo: number, position: number): boolean {
    if (!this.#isOn) return false
    const { base, loops } = this.#program.memos[memo] as Memo
    const state = loops.length === 0 ? base : base + this.#stateOf(loops, position)
    const at = state * this.#width + position
    const scope = this.#choices.get(this.#program.scopeRegister)
    if (tried[at] === scope) return true
    tried[at] = scope
    return false
  }

  /**
   * How far a run of characters without a limit goes before a position at which it was tried before, and all beyond with
   * it; -1 where that is here.
   */
  untriedLength(memo: number, { runes, length }: Text, position: number, test: CharTest, direction: Direction): number {
    const limit = direction > 0 ? length - position : position
    let count = 0
    for (let at = direction > 0 ? position : position - 1; ; at += direction) {
      if (this.isKnown(memo, position + count * direction)) return count - 1
      if (count === limit || !test.has(runes[at] as number)) return count
      count++
    }
  }

  #stateOf(loops: readonly Loop[], position: number): number {
    let state = 0
    for (const loop of loops) {
      const count = loop.countRegister < 0 ? 0 : this.#choices.get(loop.countRegister) - loop.first
      const hasMoved = this.#choices.get(loop.markRegister) === position ? 0 : 1
      state = state * loop.states + (loop.isNullable ? 2 * count + hasMoved : count)
    }
    return state
  }
}
