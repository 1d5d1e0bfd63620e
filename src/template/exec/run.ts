import { byteLength } from '../../lib/go-string.ts'
import { quoteString } from '../format/quote.ts'
import { describeNode } from '../syntax/describe-node.ts'
import type { Node } from '../syntax/node.ts'
import { LimitError, MAX_STEPS, MAX_TEXT } from '../values/limits.ts'
import type { Value } from '../values/value.ts'

/** What a statement tells the statements around it. */
export const NORMAL = 0
export const BREAK = 1
export const CONTINUE = 2
export type Signal = typeof NORMAL | typeof BREAK | typeof CONTINUE

/** A compiled statement. */
export type Exec = (run: Run, dot: Value) => Signal
/** A compiled expression. */
export type Eval = (run: Run, dot: Value) => Value

/** Stands for "nothing was piped in", which differs from a piped value that is none. */
export const MISSING = Symbol('missing')

/** An error while a template runs; the message is Go's. */
export class ExecError extends Error {
  override readonly name = 'ExecError'
}

/** What all renderings of a template share. */
export interface Program {
  readonly name: string
  readonly source: string
  readonly templates: ReadonlyMap<string, Exec>
  /** Whether a function is used that changes maps, so that the claims must be copied first. */
  readonly changesMaps: boolean
}

/** One rendering. */
export class Run {
  readonly program: Program
  out = ''
  /** What is being evaluated, for messages. */
  node: Node | undefined
  /** Name of the template that is being executed. */
  template: string
  depth = 0
  #names: string[] = []
  #values: Value[] = []
  #steps = 0

  constructor(program: Program) {
    this.program = program
    this.template = program.name
  }

  write(text: string): void {
    this.out += text
    if (this.out.length > MAX_TEXT) this.fail('output is too long')
  }

  /** Counts work; too much of it ends the rendering. */
  spend(steps: number): void {
    this.#steps += steps
    if (this.#steps > MAX_STEPS) this.fail('template takes too long')
  }

  /** Number of variables in scope, to come back to with `pop`. */
  get mark(): number {
    return this.#names.length
  }

  push(name: string, value: Value): void {
    this.#names.push(name)
    this.#values.push(value)
  }

  pop(mark: number): void {
    this.#names.length = mark
    this.#values.length = mark
  }

  get(name: string): Value {
    return this.#values[this.#find(name)]
  }

  set(name: string, value: Value): void {
    this.#values[this.#find(name)] = value
  }

  /** Sets the variable that was declared as the n-th last. */
  setTop(n: number, value: Value): void {
    this.#values[this.#values.length - n] = value
  }

  /** Runs another template with its own variables. */
  call(name: string, dot: Value, exec: Exec): void {
    const { template } = this
    const names = this.#names
    const values = this.#values
    this.#names = ['$']
    this.#values = [dot]
    this.template = name
    this.depth++
    exec(this, dot)
    this.depth--
    this.template = template
    this.#names = names
    this.#values = values
  }

  fail(message: string): never {
    if (this.node === undefined) throw new ExecError(`template: ${this.template}: ${message}`)
    const before = this.program.source.slice(0, this.node.at)
    const lineStart = before.lastIndexOf('\n') + 1
    const line = before.split('\n').length
    const place = `${this.program.name}:${line}:${byteLength(before.slice(lineStart))}`
    const context = describeNode(this.node)
    throw new ExecError(`template: ${place}: executing ${quoteString(this.template)} at <${context}>: ${message}`)
  }

  /** Fails with what a function threw. */
  failCall(name: string, node: Node, cause: unknown): never {
    if (cause instanceof ExecError) throw cause
    this.node = node
    if (cause instanceof LimitError) this.fail(cause.message)
    this.fail(`error calling ${name}: ${cause instanceof Error ? cause.message : String(cause)}`)
  }

  #find(name: string): number {
    const names = this.#names
    for (let i = names.length - 1; i >= 0; i--) if (names[i] === name) return i
    return this.fail(`undefined variable: ${name}`)
  }
}
