import { type Loop } from './code.ts'

/** Three words each: what to do, and two values with it. */
const ENTRY = 3

/**
 * The choices that a match may come back to, with the registers: every change of a register is noted among them, so that
 * it is taken back with the choices before which it was made.
 */
export class ChoiceStack {
  readonly registers: Int32Array
  #entries = new Int32Array(ENTRY * 32)
  #depth = 0

  constructor(registerCount: number) {
    this.registers = new Int32Array(registerCount)
  }

  clear(): void {
    this.#depth = 0
    this.registers.fill(-1)
  }

  get depth(): number {
    return this.#depth
  }

  get(register: number): number {
    return this.registers[register] as number
  }

  set(register: number, value: number): void {
    const before = this.registers[register] as number
    if (before === value) return
    if (this.#depth > 0) this.push(-1 - register, before, 0)
    this.registers[register] = value
  }

  /** Notes what a group captured, whichever way it was read. */
  capture(slot: number, one: number, two: number): void {
    this.set(2 * slot, Math.min(one, two))
    this.set(2 * slot + 1, Math.max(one, two))
  }

  beginLoop(loop: Loop, mark: number): void {
    this.set(loop.markRegister, mark)
    if (loop.countRegister >= 0) this.set(loop.countRegister, loop.first)
  }

  /** How many rounds of a loop there were beyond the least number. */
  countOf(loop: Loop): number {
    return loop.countRegister < 0 ? 0 : this.get(loop.countRegister)
  }

  push(choice: number, position: number, rest: number): void {
    const at = this.#depth
    if (at + ENTRY > this.#entries.length) {
      const larger = new Int32Array(this.#entries.length * 2)
      larger.set(this.#entries)
      this.#entries = larger
    }
    this.#entries[at] = choice
    this.#entries[at + 1] = position
    this.#entries[at + 2] = rest
    this.#depth += ENTRY
  }

  /** Takes the last choice off, with all changes after it; -1 when none is left. */
  pop(): number {
    while (this.#depth > 0) {
      this.#depth -= ENTRY
      const choice = this.#entries[this.#depth] as number
      if (choice >= 0) return choice
      this.#takeBack(choice)
    }
    return -1
  }

  get poppedPosition(): number {
    return this.#entries[this.#depth + 1] as number
  }

  get poppedRest(): number {
    return this.#entries[this.#depth + 2] as number
  }

  /** Forgets the choices above `depth` and keeps the changes. */
  cut(depth: number): void {
    let kept = depth
    for (let at = depth; at < this.#depth; at += ENTRY) {
      if ((this.#entries[at] as number) >= 0) continue
      this.#entries.copyWithin(kept, at, at + ENTRY)
      kept += ENTRY
    }
    this.#depth = kept
  }

  /** Forgets the choices above `depth` and takes their changes back. */
  undoTo(depth: number): void {
    while (this.#depth > depth) {
      this.#depth -= ENTRY
      const choice = this.#entries[this.#depth] as number
      if (choice < 0) this.#takeBack(choice)
    }
  }

  #takeBack(choice: number): void {
    this.registers[-1 - choice] = this.#entries[this.#depth + 1] as number
  }
}
