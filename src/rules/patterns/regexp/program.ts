import { type RegexpNode, type RegexpTree } from './ast.ts'
import { CharTest } from './char-test.ts'
import { ASSERTIONS, type Loop, type Memo, NO_LIMIT, OP, type Program } from './code.ts'
import { isNullable, isPure } from './inspect.ts'

/** Turns a tree into instructions for the {@link Machine}. */
export function assemble(tree: RegexpTree): Program {
  return new Assembler(tree).assemble()
}

class Assembler {
  readonly #tree: RegexpTree
  readonly #code: number[] = []
  readonly #tests: CharTest[] = []
  readonly #texts: Program['texts'][number][] = []
  readonly #loops: Loop[] = []
  readonly #memos: Memo[] = []
  #around: Loop[] = []
  #stateCount = 0
  #registerCount: number

  constructor(tree: RegexpTree) {
    this.#tree = tree
    this.#registerCount = 2 * (tree.groupCount + 1)
  }

  assemble(): Program {
    const scopeRegister = this.#register()
    this.#emitNode(this.#tree.root)
    this.#emit(OP.accept)
    return {
      code: Int32Array.from(this.#code),
      tests: this.#tests,
      texts: this.#texts,
      loops: this.#loops,
      memos: this.#memos,
      stateCount: isPure(this.#tree.root) ? this.#stateCount : 0,
      registerCount: this.#registerCount,
      groupCount: this.#tree.groupCount,
      scopeRegister,
    }
  }

  #emit(...words: number[]): number {
    const at = this.#code.length
    this.#code.push(...words)
    return at
  }

  /** Fills in a word that was not known when it was emitted. */
  #patch(at: number, word = this.#code.length): void {
    this.#code[at] = word
  }

  #register(): number {
    return this.#registerCount++
  }

  #memo(): number {
    const states = this.#around.reduce((count, loop) => count * loop.states, 1)
    this.#memos.push({ base: this.#stateCount, loops: [...this.#around] })
    this.#stateCount += states
    return this.#memos.length - 1
  }

  #emitNode(node: RegexpNode): void {
    switch (node.kind) {
      case 'empty':
        return
      case 'set':
        this.#emit(node.backward ? OP.testBackward : OP.test, this.#test(node))
        return
      case 'run':
        this.#emitRun(node)
        return
      case 'text':
        this.#texts.push({ runes: node.runes, ignoreCase: node.ignoreCase })
        this.#emit(OP.text, this.#texts.length - 1, directionOf(node))
        return
      case 'sequence':
        for (const child of node.backward ? node.children.toReversed() : node.children) this.#emitNode(child)
        return
      case 'alternatives':
        this.#emitAlternatives(node.children)
        return
      case 'repeat':
        this.#emitRepeat(node)
        return
      case 'capture':
        this.#emitCapture(node)
        return
      case 'assertion':
        this.#emit(OP.assert, ASSERTIONS.indexOf(node.type))
        return
      case 'reference':
        this.#emit(OP.reference, node.slot, node.ignoreCase ? 1 : 0, directionOf(node))
        return
      case 'ifMatched':
        this.#emitIfMatched(node)
        return
      default:
        this.#emitAlone(node)
    }
  }

  #test(node: Extract<RegexpNode, { kind: 'set' | 'run' }>): number {
    this.#tests.push(new CharTest(node.set, node.ignoreCase))
    return this.#tests.length - 1
  }

  #emitRun(node: Extract<RegexpNode, { kind: 'run' }>): void {
    const test = this.#test(node)
    const direction = directionOf(node)
    if (node.min > 0) this.#emit(OP.exactly, test, Math.min(node.min, NO_LIMIT), direction)
    if (node.max === node.min) return
    const most = node.max === Infinity ? NO_LIMIT : node.max - node.min
    this.#emit(node.lazy ? OP.lazy : OP.greedy, test, most, direction, this.#memo())
  }

  #emitAlternatives(children: readonly RegexpNode[]): void {
    const jumps: number[] = []
    for (const [i, child] of children.entries()) {
      const isLast = i === children.length - 1
      const branch = isLast ? -1 : this.#emit(OP.branch, 0, i === 0 ? this.#memo() : -1)
      this.#emitNode(child)
      if (isLast) continue
      jumps.push(this.#emit(OP.jump, 0))
      this.#patch(branch + 1)
    }
    for (const jump of jumps) this.#patch(jump + 1)
  }

  #emitRepeat({ child, min, max, lazy }: Extract<RegexpNode, { kind: 'repeat' }>): void {
    const isCounted = max !== Infinity || min > 1
    const canBeEmpty = isNullable(child)
    const first = min === 0 ? 0 : 1 - Math.min(min, NO_LIMIT)
    const counts = isCounted ? (max === Infinity ? 0 : max - min) - first + 1 : 1
    const loop: Loop = {
      markRegister: this.#register(),
      countRegister: isCounted ? this.#register() : -1,
      first,
      most: max === Infinity ? NO_LIMIT : max - min,
      isNullable: canBeEmpty,
      states: canBeEmpty ? 2 * counts : counts,
    }
    this.#loops.push(loop)
    const number = this.#loops.length - 1
    this.#emit(OP.loopBegin, number)
    const skip = min === 0 ? this.#emit(OP.jump, 0) : -1
    const body = this.#code.length
    this.#around.push(loop)
    this.#emitNode(child)
    if (skip >= 0) this.#patch(skip + 1)
    this.#emit(lazy ? OP.lazyLoopNext : OP.loopNext, number, body, this.#memo())
    this.#around.pop()
  }

  #emitCapture({ slot, child }: Extract<RegexpNode, { kind: 'capture' }>): void {
    const register = this.#register()
    this.#emit(OP.savePosition, register)
    this.#emitNode(child)
    this.#emit(OP.capture, slot, register)
  }

  #emitIfMatched({ slot, yes, no }: Extract<RegexpNode, { kind: 'ifMatched' }>): void {
    const test = this.#emit(OP.ifMatched, slot, 0)
    this.#emitNode(yes)
    const jump = this.#emit(OP.jump, 0)
    this.#patch(test + 2)
    this.#emitNode(no)
    this.#patch(jump + 1)
  }

  /** What is decided on its own: once it has fitted, none of the choices in it is taken back. */
  #emitAlone(node: Extract<RegexpNode, { kind: 'look' | 'atomic' | 'ifFits' }>): void {
    const mark = this.#register()
    if (node.kind === 'atomic') {
      this.#emit(OP.mark, mark)
      this.#emitScope(node.child)
      this.#emit(OP.cut, mark)
    } else if (node.kind === 'look' && node.negated) {
      this.#emit(OP.mark, mark)
      const branch = this.#emit(OP.branch, 0, -1)
      this.#emitScope(node.child)
      this.#emit(OP.cutAndFail, mark)
      this.#patch(branch + 1)
    } else {
      const position = this.#register()
      this.#emit(OP.savePosition, position)
      this.#emit(OP.mark, mark)
      const branch = node.kind === 'ifFits' ? this.#emit(OP.branch, 0, -1) : -1
      this.#emitScope(node.kind === 'ifFits' ? node.condition : node.child)
      this.#emit(OP.cut, mark)
      this.#emit(OP.restorePosition, position)
      if (node.kind === 'look') return
      this.#emitNode(node.yes)
      const jump = this.#emit(OP.jump, 0)
      this.#patch(branch + 1)
      this.#emitNode(node.no)
      this.#patch(jump + 1)
    }
  }

  #emitScope(child: RegexpNode): void {
    const register = this.#register()
    const around = this.#around
    this.#around = []
    this.#emit(OP.enter, register)
    this.#emitNode(child)
    this.#emit(OP.leave, register)
    this.#around = around
  }
}

function directionOf(node: { readonly backward: boolean }): number {
  return node.backward ? -1 : 1
}
