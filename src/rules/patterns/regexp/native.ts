import { type AssertionType, type RegexpNode } from './ast.ts'
import { ASCII_SIZE, type AsciiSet } from './ascii-set.ts'
import { asciiOf } from './char-test.ts'
import { childrenOf, hasCapture, isNullable } from './inspect.ts'

/** A pattern of JavaScript, and which group each of its groups is. */
export interface JavaScriptPattern {
  readonly source: string
  readonly slots: readonly number[]
}

/**
 * Writes a pattern as one of JavaScript that gives the same match and groups on ASCII targets, or tells that it cannot:
 * the two differ in back-references, in groups that are repeated (JavaScript forgets what the round before captured), in
 * groups of the same name and in rounds of a loop that are empty.
 */
export function toJavaScript(root: RegexpNode): JavaScriptPattern | undefined {
  const slots = slotsOf(root)
  if (!canExpress(root) || new Set(slots).size < slots.length) return undefined
  return { source: write(root), slots }
}

/** The groups in the order in which JavaScript numbers them. */
function slotsOf(node: RegexpNode): number[] {
  const below = childrenOf(node).flatMap(slotsOf)
  return node.kind === 'capture' ? [node.slot, ...below] : below
}

function canExpress(node: RegexpNode): boolean {
  switch (node.kind) {
    case 'reference':
    case 'atomic':
    case 'ifMatched':
    case 'ifFits':
      return false
    case 'look':
      return !node.behind && canExpress(node.child)
    case 'repeat':
      return !isNullable(node.child) && !(node.max > 1 && hasCapture(node.child)) && canExpress(node.child)
    case 'sequence':
    case 'alternatives':
      return node.children.every(canExpress)
    case 'capture':
      return canExpress(node.child)
    default:
      return true
  }
}

function write(node: RegexpNode): string {
  switch (node.kind) {
    case 'set':
      return writeSet(asciiOf(node))
    case 'run':
      return writeSet(asciiOf(node)) + writeQuantifier(node)
    case 'text':
      return node.runes.map((rune) => writeRune(rune, node.ignoreCase)).join('')
    case 'sequence':
      return node.children
        .map((child) => (child.kind === 'alternatives' ? `(?:${write(child)})` : write(child)))
        .join('')
    case 'alternatives':
      return node.children.map(write).join('|')
    case 'repeat':
      return `(?:${write(node.child)})${writeQuantifier(node)}`
    case 'capture':
      return `(${write(node.child)})`
    case 'look':
      return `(?${node.negated ? '!' : '='}${write(node.child)})`
    case 'assertion':
      return ASSERTIONS[node.type]
    default:
      return ''
  }
}

/** `[]` never matches, `[^]` always. */
function writeSet(set: AsciiSet): string {
  // The newline is in most sets that are written as what they leave out.
  const isNegated = set.has(NEWLINE) || set.has(0)
  let ranges = ''
  for (let rune = 0; rune < ASCII_SIZE; rune++) {
    if (set.has(rune) === isNegated) continue
    const first = rune
    while (rune + 1 < ASCII_SIZE && set.has(rune + 1) !== isNegated) rune++
    ranges += first === rune ? escape(first) : `${escape(first)}-${escape(rune)}`
  }
  return `[${isNegated ? '^' : ''}${ranges}]`
}

function writeRune(rune: number, ignoreCase: boolean): string {
  if (rune >= 0x80) return '[]'
  if (!ignoreCase || rune < 0x61 || rune > 0x7a) return escape(rune)
  return `[${escape(rune - 0x20)}${escape(rune)}]`
}

function escape(rune: number): string {
  const char = String.fromCharCode(rune)
  return /^[A-Za-z0-9/:_]$/.test(char) ? char : `\\x${rune.toString(16).padStart(2, '0')}`
}

function writeQuantifier({
  min,
  max,
  lazy,
}: {
  readonly min: number
  readonly max: number
  readonly lazy: boolean
}): string {
  const upper = max === Infinity ? '' : String(max)
  const counts = min === 0 && max === 1 ? '?' : min === max ? `{${min}}` : `{${min},${upper}}`
  return counts + (lazy ? '?' : '')
}

const NEWLINE = 0x0a

/** The flag `m` is never set, so that `^` and `$` are the very beginning and end. */
const ASSERTIONS: Readonly<Record<AssertionType, string>> = {
  begin: '^',
  end: '$',
  endOrNewline: '(?=\\n?$)',
  lineBegin: '(?<![^\\n])',
  lineEnd: '(?![^\\n])',
  wordBoundary: '\\b',
  notWordBoundary: '\\B',
}
