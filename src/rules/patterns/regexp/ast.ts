import { type CharSet } from './char-set.ts'

/** One character. Without regard to case it is brought to lower case before it is looked up. */
export interface SetNode {
  readonly kind: 'set'
  readonly set: CharSet
  readonly ignoreCase: boolean
  /** Matched from right to left, inside a look-behind. */
  readonly backward: boolean
}

/** One character repeated. */
export interface RunNode extends Omit<SetNode, 'kind'> {
  readonly kind: 'run'
  readonly min: number
  readonly max: number
  readonly lazy: boolean
}

export interface RepeatNode {
  readonly kind: 'repeat'
  readonly child: RegexpNode
  readonly min: number
  readonly max: number
  readonly lazy: boolean
}

export interface SequenceNode {
  readonly kind: 'sequence'
  /** In the order of the text, also where it is matched backward. */
  readonly children: readonly RegexpNode[]
  readonly backward: boolean
}

/** `begin` \A, `end` \z, `endOrNewline` \Z and `$`, `lineBegin` and `lineEnd` the two with `(?m)`. */
export type AssertionType =
  | 'begin'
  | 'end'
  | 'endOrNewline'
  | 'lineBegin'
  | 'lineEnd'
  | 'wordBoundary'
  | 'notWordBoundary'

export type RegexpNode =
  | SetNode
  | RunNode
  | RepeatNode
  | SequenceNode
  | { readonly kind: 'empty' }
  | {
      readonly kind: 'text'
      readonly runes: readonly number[]
      readonly ignoreCase: boolean
      readonly backward: boolean
    }
  | { readonly kind: 'assertion'; readonly type: AssertionType }
  | { readonly kind: 'alternatives'; readonly children: readonly RegexpNode[] }
  | { readonly kind: 'capture'; readonly slot: number; readonly child: RegexpNode }
  | { readonly kind: 'reference'; readonly slot: number; readonly ignoreCase: boolean; readonly backward: boolean }
  | { readonly kind: 'look'; readonly child: RegexpNode; readonly negated: boolean; readonly behind: boolean }
  | { readonly kind: 'atomic'; readonly child: RegexpNode }
  /** `(?(1)yes|no)`: by whether a group took part. */
  | { readonly kind: 'ifMatched'; readonly slot: number; readonly yes: RegexpNode; readonly no: RegexpNode }
  /** `(?(condition)yes|no)`: by whether the condition fits here. */
  | { readonly kind: 'ifFits'; readonly condition: RegexpNode; readonly yes: RegexpNode; readonly no: RegexpNode }

/** A regular expression, read. Slot 0 is the whole match and has no node. */
export interface RegexpTree {
  readonly root: RegexpNode
  /** Number of capture groups without the whole match: unnamed ones first, then named ones. */
  readonly groupCount: number
}

/** Which groups a pattern has. */
export interface GroupNumbers {
  /** From a group's number to its place among all numbers in use, the whole match being 0. */
  readonly slots: ReadonlyMap<number, number>
  readonly names: ReadonlyMap<string, number>
}

export const EMPTY: RegexpNode = { kind: 'empty' }

export function sequence(children: readonly RegexpNode[], backward: boolean): RegexpNode {
  const kept: RegexpNode[] = []
  for (const child of children) {
    if (child.kind === 'empty') continue
    if (child.kind === 'sequence' && child.backward === backward) kept.push(...child.children)
    else kept.push(child)
  }
  const [only] = kept
  if (only === undefined) return EMPTY
  return kept.length === 1 ? only : { kind: 'sequence', children: kept, backward }
}

/**
 * Joins neighbours that are one character each into one set, as regexp2 does; that it is more than a matter of speed is
 * told at {@link CharSet.addCategory}.
 */
export function alternatives(children: readonly RegexpNode[]): RegexpNode {
  const kept: RegexpNode[] = []
  for (const child of children.flatMap((one) => (one.kind === 'alternatives' ? one.children : [one]))) {
    const before = kept.at(-1)
    if (
      child.kind === 'set' &&
      before?.kind === 'set' &&
      before.ignoreCase === child.ignoreCase &&
      before.backward === child.backward &&
      before.set.canMerge &&
      child.set.canMerge
    ) {
      kept[kept.length - 1] = { ...before, set: before.set.merge(child.set) }
    } else kept.push(child)
  }
  const [only] = kept
  return kept.length === 1 && only !== undefined ? only : { kind: 'alternatives', children: kept }
}

export function repeat(child: RegexpNode, min: number, max: number, lazy: boolean): RegexpNode {
  if (max === 0) return EMPTY
  if (min === 1 && max === 1) return child
  if (child.kind === 'set') return { ...child, kind: 'run', min, max, lazy }
  if ((child.kind === 'run' || child.kind === 'repeat') && child.lazy === lazy && canMultiply(child, min)) {
    return { ...child, min: multiply(child.min, min), max: multiply(child.max, max) }
  }
  return { kind: 'repeat', child, min, max, lazy }
}

/** `(?:a{2,})+` is `a{2,}`, `(?:a{100,105}){3}` is no `a{300,315}`. */
function canMultiply(inner: { readonly min: number; readonly max: number }, outerMin: number): boolean {
  return !(outerMin === 0 && inner.min > 1) && inner.max >= inner.min * 2
}

function multiply(inner: number, outer: number): number {
  return inner === 0 ? 0 : inner * outer
}
