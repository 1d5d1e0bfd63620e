import { type RegexpNode } from './ast.ts'

/** The nodes directly below one. */
export function childrenOf(node: RegexpNode): readonly RegexpNode[] {
  switch (node.kind) {
    case 'sequence':
    case 'alternatives':
      return node.children
    case 'repeat':
    case 'capture':
    case 'look':
    case 'atomic':
      return [node.child]
    case 'ifMatched':
      return [node.yes, node.no]
    case 'ifFits':
      return [node.condition, node.yes, node.no]
    default:
      return []
  }
}

/** Whether what can follow depends on nothing but the position: not on what groups hold. */
export function isPure(node: RegexpNode): boolean {
  return node.kind !== 'reference' && node.kind !== 'ifMatched' && childrenOf(node).every(isPure)
}

/** Whether it can match the empty text; true where that is not easily told. */
export function isNullable(node: RegexpNode): boolean {
  switch (node.kind) {
    case 'set':
    case 'text':
      return false
    case 'run':
      return node.min === 0
    case 'repeat':
      return node.min === 0 || isNullable(node.child)
    case 'sequence':
      return node.children.every(isNullable)
    case 'alternatives':
      return node.children.some(isNullable)
    case 'capture':
    case 'atomic':
      return isNullable(node.child)
    case 'ifMatched':
    case 'ifFits':
      return isNullable(node.yes) || isNullable(node.no)
    default:
      return true
  }
}

export function hasCapture(node: RegexpNode): boolean {
  return node.kind === 'capture' || childrenOf(node).some(hasCapture)
}
