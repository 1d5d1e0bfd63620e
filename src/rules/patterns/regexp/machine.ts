import { type Budget } from '../budget.ts'
import { type CharTest, slowLookups } from './char-test.ts'
import { ChoiceStack } from './choice-stack.ts'
import { ASSERTIONS, type Loop, NO_LIMIT, OP, type Program } from './code.ts'
import { Failures } from './failures.ts'
import { type Text, holds, referenceEnd, runLength, textEnd } from './text.ts'

/** What looking up a rune beyond ASCII costs, in steps. */
const SLOW_LOOKUP_STEPS = 16
/** Most matches never get so far. */
const FAILURES_BEFORE_MEMO = 500

/** How a choice goes on when it is come back to; two bits beside the place in the code. */
const RESUME = 0
const SHORTER = 1
const LONGER = 2
const NEXT_ROUND = 3

/**
 * Runs a {@link Program} by backtracking, as regexp2 does, so that it gives the same match and the same groups. What failed
 * once at a position is not tried there again, which bounds the time of patterns without back-references to about
 * size of the pattern × length of the target; what remains is cut off by the budget (F-34, V-128).
 */
export class Machine {
  readonly #program: Program
  readonly #code: Int32Array
  readonly #choices: ChoiceStack
  readonly #failures: Failures
  readonly #rememberFrom: number
  #text: Text = { runes: new Int32Array(0), length: 0 }
  #steps = 0
  #pc = 0
  #position = 0
  #failureCount = 0

  /** @param rememberFrom how many failures a match may have before they are remembered; remembering costs time itself */
  constructor(program: Program, rememberFrom = FAILURES_BEFORE_MEMO) {
    this.#program = program
    this.#rememberFrom = rememberFrom
    this.#code = program.code
    this.#choices = new ChoiceStack(program.registerCount)
    this.#failures = new Failures(program, this.#choices)
  }

  /**
   * Matches from the beginning of the text; only a pattern that asserts its end covers all of it.
   * @returns begin and end of each group in turn, -1 for one that took no part; `undefined` when nothing matches
   * @throws {EvaluationError} when it takes more steps than the budget has
   */
  match(text: Text, budget: Budget): Int32Array | undefined {
    this.#text = text
    this.#steps = budget.left
    this.#pc = 0
    this.#position = 0
    this.#failureCount = 0
    slowLookups.count = 0
    this.#choices.clear()
    this.#failures.clear(text.length)
    const isMatched = this.#run(budget)
    budget.left = this.#steps
    return isMatched ? this.#choices.registers.subarray(2, 2 * (this.#program.groupCount + 1)) : undefined
  }

  #run(budget: Budget): boolean {
    while (this.#code[this.#pc] !== OP.accept) {
      this.#steps--
      if (!this.#step() && !this.#backtrack(budget)) return false
    }
    return true
  }

  /** Executes one instruction; false when it fails. */
  #step(): boolean {
    switch (this.#code[this.#pc]) {
      case OP.test:
        return this.#testOne(1, 2)
      case OP.testBackward:
        return this.#testOne(-1, 2)
      case OP.text:
        return this.#literal()
      case OP.exactly:
        return this.#exactly()
      case OP.greedy:
        return this.#greedy()
      case OP.lazy:
        return this.#leaveLazy(this.#operand(2))
      case OP.branch:
        return this.#branch()
      case OP.jump:
        return this.#goTo(this.#operand(1))
      case OP.savePosition:
        return this.#set(this.#operand(1), this.#position)
      case OP.restorePosition:
        return this.#moveTo(this.#choices.get(this.#operand(1)), 2)
      case OP.capture:
        return this.#capture()
      case OP.loopBegin:
        return this.#loopBegin()
      case OP.loopNext:
        return this.#loopNext()
      case OP.lazyLoopNext:
        return this.#lazyLoopNext()
      case OP.assert:
        return this.#assert()
      case OP.reference:
        return this.#reference()
      case OP.mark:
        return this.#set(this.#operand(1), this.#choices.depth)
      case OP.cut:
        this.#choices.cut(this.#choices.get(this.#operand(1)))
        return this.#goTo(this.#pc + 2)
      case OP.cutAndFail:
        this.#choices.undoTo(this.#choices.get(this.#operand(1)))
        return false
      case OP.enter:
        this.#choices.set(this.#operand(1), this.#choices.get(this.#program.scopeRegister))
        return this.#set(this.#program.scopeRegister, this.#failures.nextScope())
      case OP.leave:
        return this.#set(this.#program.scopeRegister, this.#choices.get(this.#operand(1)))
      case OP.ifMatched:
        return this.#goTo(this.#choices.get(2 * this.#operand(1)) >= 0 ? this.#pc + 3 : this.#operand(2))
      default:
        return false
    }
  }

  /** Takes up the last choice that has something left to try; false when there is none. */
  #backtrack(budget: Budget): boolean {
    if (++this.#failureCount === this.#rememberFrom) this.#failures.remember()
    for (;;) {
      this.#steps -= 1 + slowLookups.count * SLOW_LOOKUP_STEPS
      slowLookups.count = 0
      // Whatever takes many steps fails often.
      if (this.#steps < 0) budget.spend(budget.left - this.#steps)
      const choice = this.#choices.pop()
      if (choice < 0) return false
      this.#pc = choice >> 2
      this.#position = this.#choices.poppedPosition
      if (this.#takeUp(choice & 3, this.#choices.poppedRest)) return true
    }
  }

  #takeUp(kind: number, rest: number): boolean {
    if (kind === SHORTER) return this.#leaveGreedy(rest)
    if (kind === LONGER) return this.#testOne(this.#operand(3), 0) && this.#leaveLazy(rest - 1)
    if (kind === NEXT_ROUND) this.#nextRound()
    return true
  }

  #operand(offset: number): number {
    return this.#code[this.#pc + offset] as number
  }

  #goTo(pc: number): true {
    this.#pc = pc
    return true
  }

  #set(register: number, value: number): true {
    this.#choices.set(register, value)
    return this.#goTo(this.#pc + 2)
  }

  /** @param position negative for a failure */
  #moveTo(position: number, words: number): boolean {
    if (position < 0) return false
    this.#position = position
    this.#pc += words
    return true
  }

  #testOne(direction: number, words: number): boolean {
    const { runes, length } = this.#text
    const at = direction > 0 ? this.#position : this.#position - 1
    if (at < 0 || at >= length || !this.#program.tests[this.#operand(1)]?.has(runes[at] as number)) return false
    return this.#moveTo(this.#position + direction, words)
  }

  #literal(): boolean {
    const literal = this.#program.texts[this.#operand(1)]
    const end = literal === undefined ? -1 : textEnd(this.#text, this.#position, literal, this.#operand(2))
    this.#steps -= (literal?.runes.length ?? 0) >> 2
    return this.#moveTo(end, 3)
  }

  #reference(): boolean {
    const from = this.#choices.get(2 * this.#operand(1))
    const size = this.#choices.get(2 * this.#operand(1) + 1) - from
    if (from < 0) return false
    this.#steps -= size >> 1
    const part = { from, size, ignoreCase: this.#operand(2) === 1 }
    return this.#moveTo(referenceEnd(this.#text, this.#position, part, this.#operand(3)), 4)
  }

  #assert(): boolean {
    const type = ASSERTIONS[this.#operand(1)]
    return type !== undefined && holds(this.#text, this.#position, type) && this.#goTo(this.#pc + 2)
  }

  #runLength(most: number): number {
    const test = this.#program.tests[this.#operand(1)] as CharTest
    const count = runLength(this.#text, this.#position, test, most, this.#operand(3))
    this.#steps -= count >> 2
    return count
  }

  #exactly(): boolean {
    const count = this.#operand(2)
    return this.#runLength(count) === count && this.#moveTo(this.#position + count * this.#operand(3), 4)
  }

  #greedy(): boolean {
    const most = this.#operand(2)
    const count = most === NO_LIMIT && this.#failures.isOn ? this.#untriedLength() : this.#runLength(most)
    if (count < 0) return false
    this.#position += count * this.#operand(3)
    return this.#leaveGreedy(count)
  }

  #untriedLength(): number {
    const test = this.#program.tests[this.#operand(1)] as CharTest
    const count = this.#failures.untriedLength(this.#operand(4), this.#text, this.#position, test, this.#operand(3))
    this.#steps -= Math.max(0, count)
    return count
  }

  /** Goes on behind a run; `rest` shorter runs are left to try. An unlimited run has noted its positions already. */
  #leaveGreedy(rest: number): boolean {
    const direction = this.#operand(3)
    let left = rest
    while (this.#operand(2) !== NO_LIMIT && this.#failures.isKnown(this.#operand(4), this.#position)) {
      if (left-- === 0) return false
      this.#position -= direction
    }
    if (left > 0) this.#choices.push((this.#pc << 2) | SHORTER, this.#position - direction, left - 1)
    return this.#goTo(this.#pc + 5)
  }

  /** Goes on behind a run; it may become longer by `rest`. */
  #leaveLazy(rest: number): boolean {
    const isKnown = this.#failures.isKnown(this.#operand(4), this.#position)
    const isLimited = this.#operand(2) !== NO_LIMIT
    if (isKnown && !isLimited) return false
    if (rest > 0) this.#choices.push((this.#pc << 2) | LONGER, this.#position, rest)
    return !isKnown && this.#goTo(this.#pc + 5)
  }

  #branch(): boolean {
    const memo = this.#operand(2)
    if (memo >= 0 && this.#failures.isKnown(memo, this.#position)) return false
    this.#choices.push((this.#operand(1) << 2) | RESUME, this.#position, 0)
    return this.#goTo(this.#pc + 3)
  }

  #capture(): boolean {
    this.#choices.capture(this.#operand(1), this.#choices.get(this.#operand(2)), this.#position)
    return this.#goTo(this.#pc + 3)
  }

  #loop(): Loop {
    return this.#program.loops[this.#operand(1)] as Loop
  }

  #loopBegin(): boolean {
    const mayBeSkipped = this.#operand(2) === OP.jump
    this.#choices.beginLoop(this.#loop(), mayBeSkipped ? -1 : this.#position)
    return this.#goTo(this.#pc + 2)
  }

  #loopNext(): boolean {
    if (this.#failures.isKnown(this.#operand(3), this.#position)) return false
    const loop = this.#loop()
    const count = this.#choices.countOf(loop)
    const wasEmpty = this.#choices.get(loop.markRegister) === this.#position
    if (count >= loop.most || (wasEmpty && count >= 0)) return this.#goTo(this.#pc + 4)
    if (count >= 0) this.#choices.push(((this.#pc + 4) << 2) | RESUME, this.#position, 0)
    return this.#nextRound()
  }

  #lazyLoopNext(): boolean {
    if (this.#failures.isKnown(this.#operand(3), this.#position)) return false
    const loop = this.#loop()
    const count = this.#choices.countOf(loop)
    if (count < 0) return this.#nextRound()
    const wasEmpty = this.#choices.get(loop.markRegister) === this.#position
    if (count < loop.most && !wasEmpty) this.#choices.push((this.#pc << 2) | NEXT_ROUND, this.#position, 0)
    return this.#goTo(this.#pc + 4)
  }

  #nextRound(): true {
    const loop = this.#loop()
    const count = this.#choices.countOf(loop)
    this.#choices.set(loop.markRegister, this.#position)
    // Without a limit it only matters whether the least number is reached.
    if (loop.countRegister >= 0 && (loop.most !== NO_LIMIT || count < 0)) {
      this.#choices.set(loop.countRegister, count + 1)
    }
    return this.#goTo(this.#operand(2))
  }
}
