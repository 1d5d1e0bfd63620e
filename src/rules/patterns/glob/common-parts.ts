import { type GlobNode } from './parse.ts'

/**
 * Takes what all alternatives have in common at their beginning and end out of them: `{ab*,ac*}` becomes `a{b,c}*`.
 * It changes what some globs match, so it is part of the dialect. `undefined` where nothing is in common.
 */
export function liftCommonParts(alternatives: readonly GlobNode[]): GlobNode | undefined {
  const sequences: (readonly GlobNode[])[] = []
  for (const alternative of alternatives) {
    if (alternative.kind !== 'sequence') return undefined
    sequences.push(alternative.children)
  }
  const [left, right] = countCommon(sequences)
  if (left + right === 0) return undefined
  const first = sequences[0] ?? []
  const result: GlobNode[] = []
  if (left > 0) result.push({ kind: 'sequence', children: first.slice(0, left) })
  const rest = unique(sequences.map((sequence) => restOf(sequence.slice(left, sequence.length - right))))
  const only = rest[0]
  if (rest.length > 1) result.push({ kind: 'alternatives', children: rest })
  else if (only !== undefined && only.kind !== 'nothing') result.push(only)
  if (right > 0) result.push({ kind: 'sequence', children: first.slice(first.length - right) })
  return { kind: 'sequence', children: result }
}

function restOf(children: readonly GlobNode[]): GlobNode {
  return children.length === 0 ? { kind: 'nothing' } : { kind: 'sequence', children }
}

/** How many parts all sequences share at the left, and how many at the right beside those. */
function countCommon(sequences: readonly (readonly GlobNode[])[]): [left: number, right: number] {
  if (sequences.length < 2) return [0, 0]
  const shortest = sequences.reduce((best, sequence) => (sequence.length < best.length ? sequence : best))
  const others = sequences.filter((sequence) => sequence !== shortest)
  const size = shortest.length
  let leftEnded = false
  let rightEnded = false
  let left = 0
  let right = 0
  for (let i = 0, j = size - 1; left + right < size && j >= 0 && !(leftEnded && rightEnded); i++, j--) {
    for (const other of others) {
      if (leftEnded && rightEnded) break
      leftEnded ||= !isEqual(shortest[i], other[i])
      // While the left still grows, the right may not reach back over it.
      rightEnded ||= !leftEnded && j <= i
      rightEnded ||= !isEqual(shortest[j], other[j + other.length - size])
    }
    if (!leftEnded) left++
    if (!rightEnded) right++
  }
  return [left, right]
}

function unique(nodes: readonly GlobNode[]): GlobNode[] {
  const kept: GlobNode[] = []
  for (const node of nodes) if (!kept.some((other) => isEqual(node, other))) kept.push(node)
  return kept
}

function isEqual(one: GlobNode | undefined, two: GlobNode | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(two)
}
