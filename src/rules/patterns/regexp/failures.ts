import { type ChoiceStack } from './choice-stack.ts'
import { type Loop, type Program, statesOf } from './code.ts'

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
    const place = (this.#program.memos[memo]?.base ?? 0) + this.#stateOf(memo, position)
    const at = place * this.#width + position
    const scope = this.#choices.get(this.#program.scopeRegister)
    if (tried[at] === scope) return true
    tried[at] = scope
    return false
  }

  #stateOf(memo: number, position: number): number {
    let state = 0
    for (const loop of this.#program.memos[memo]?.loops ?? NO_LOOPS) {
      state = state * statesOf(loop)
      const count = loop.countRegister < 0 ? 0 : this.#choices.get(loop.countRegister) - loop.first
      const hasMoved = this.#choices.get(loop.markRegister) !== position
      state += loop.isNullable ? 2 * count + (hasMoved ? 1 : 0) : count
    }
    return state
  }
}

const NO_LOOPS: readonly Loop[] = []
