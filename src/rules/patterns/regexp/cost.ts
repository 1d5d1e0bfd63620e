import { type RegexpNode } from './ast.ts'
import { ASCII_SIZE, AsciiSet } from './ascii-set.ts'
import { asciiOf } from './char-test.ts'
import { isNullable } from './inspect.ts'

/** How many ways a backtracking engine can take through a pattern at most: `factor` × (length of the target)^`degree`. */
export interface Ways {
  readonly factor: number
  readonly degree: number
}

/** No bound is known; some such patterns take exponential time. */
export const UNBOUNDED: Ways = { factor: Infinity, degree: 0 }
const ONE: Ways = { factor: 1, degree: 0 }

/** What may come next. `undefined`: whatever comes is right. */
interface Start {
  readonly chars: AsciiSet
  /** The end of the target, which may stand before a last newline. */
  readonly end: boolean
}
type Next = Start | undefined

const NEWLINE = 0x0a

interface Judged {
  readonly ways: Ways
  readonly next: Next
}

/**
 * Bounds the time that a backtracking engine takes on ASCII targets, from above. A choice counts only where the next
 * character does not decide it: `[^/]+/` has one way, `.*\/` one for each slash.
 */
export function countWays(root: RegexpNode): Ways {
  return judge(root, undefined).ways
}

function judge(node: RegexpNode, next: Next): Judged {
  switch (node.kind) {
    case 'set':
      return { ways: ONE, next: firstOf(node) }
    case 'text':
      return { ways: ONE, next: charStart(node.runes[0] ?? 0, node.ignoreCase) }
    case 'run':
      return judgeRun(node, next)
    case 'sequence':
      return node.children.reduceRight<Judged>(
        (after, child) => {
          const judged = judge(child, after.next)
          return { ways: times(judged.ways, after.ways), next: judged.next }
        },
        { ways: ONE, next },
      )
    case 'alternatives':
      return node.children.map((child) => judge(child, next)).reduce(eitherOf)
    case 'repeat':
      return judgeRepeat(node, next)
    case 'capture':
      return judge(node.child, next)
    case 'look':
      return { ways: plus(ONE, judge(node.child, undefined).ways), next }
    case 'assertion':
      return { ways: ONE, next: node.type === 'endOrNewline' || node.type === 'end' ? END_ONLY : next }
    case 'empty':
      return { ways: ONE, next }
    default:
      return { ways: UNBOUNDED, next: undefined }
  }
}

function judgeRun(node: Extract<RegexpNode, { kind: 'run' }>, next: Next): Judged {
  const own = firstOf(node)
  const first = node.min > 0 ? own : union(own, next)
  if (next === undefined || node.min === node.max) return { ways: ONE, next: first }
  if (own.chars.overlaps(next.chars)) {
    const ways = node.max === Infinity ? { factor: 1, degree: 1 } : { factor: node.max - node.min + 1, degree: 0 }
    return { ways, next: first }
  }
  return { ways: { factor: next.end && own.chars.has(NEWLINE) ? 2 : 1, degree: 0 }, next: first }
}

function judgeRepeat(node: Extract<RegexpNode, { kind: 'repeat' }>, next: Next): Judged {
  const { child, min, max } = node
  if (isNullable(child)) return { ways: UNBOUNDED, next: undefined }
  const first = judge(child, undefined).next
  const round = judge(child, max === 1 ? next : union(first, next))
  const after = min > 0 ? round.next : union(round.next, next)
  const isDecided = next !== undefined && first !== undefined && !conflict(first, next)
  if (max === 1) return { ways: isDecided ? round.ways : plus(round.ways, ONE), next: after }
  if (round.ways.factor !== 1 || round.ways.degree !== 0) return { ways: UNBOUNDED, next: after }
  if (isDecided || min === max) return { ways: ONE, next: after }
  return { ways: max === Infinity ? { factor: 1, degree: 1 } : { factor: max - min + 1, degree: 0 }, next: after }
}

function eitherOf(one: Judged, two: Judged): Judged {
  const isDecided = one.next !== undefined && two.next !== undefined && !conflict(one.next, two.next)
  const ways = isDecided ? larger(one.ways, two.ways) : plus(one.ways, two.ways)
  return { ways, next: union(one.next, two.next) }
}

function firstOf(node: Extract<RegexpNode, { kind: 'set' | 'run' }>): Start {
  return { chars: asciiOf(node), end: false }
}

function charStart(rune: number, ignoreCase: boolean): Start {
  const chars = rune < ASCII_SIZE ? AsciiSet.range(rune, rune) : AsciiSet.none
  return { chars: ignoreCase ? chars.withUpperCase() : chars, end: false }
}

function union(one: Next, two: Next): Next {
  return one && two && { chars: one.chars.union(two.chars), end: one.end || two.end }
}

/** Whether the next character may not decide between the two. */
function conflict(one: Start, two: Start): boolean {
  if (one.chars.overlaps(two.chars) || (one.end && two.end)) return true
  return (one.end && two.chars.has(NEWLINE)) || (two.end && one.chars.has(NEWLINE))
}

function times(one: Ways, two: Ways): Ways {
  return { factor: one.factor * two.factor, degree: one.degree + two.degree }
}

function plus(one: Ways, two: Ways): Ways {
  return { factor: one.factor + two.factor, degree: Math.max(one.degree, two.degree) }
}

function larger(one: Ways, two: Ways): Ways {
  return { factor: Math.max(one.factor, two.factor), degree: Math.max(one.degree, two.degree) }
}

const END_ONLY: Start = { chars: AsciiSet.none, end: true }
