interface At {
  /** Index in the source, for messages. */
  readonly at: number
}

export interface TextNode extends At {
  readonly kind: 'text'
  readonly text: string
}
export interface ActionNode extends At {
  readonly kind: 'action'
  readonly pipe: PipeNode
}
export interface BranchNode extends At {
  readonly kind: 'if' | 'with' | 'range'
  readonly pipe: PipeNode
  readonly list: ListNode
  readonly elseList: ListNode | undefined
}
export interface JumpNode extends At {
  readonly kind: 'break' | 'continue'
}
export interface TemplateNode extends At {
  readonly kind: 'template'
  readonly name: string
  readonly pipe: PipeNode | undefined
}
export interface ListNode extends At {
  readonly kind: 'list'
  readonly nodes: readonly StatementNode[]
}
export type StatementNode = TextNode | ActionNode | BranchNode | JumpNode | TemplateNode

export interface PipeNode extends At {
  readonly kind: 'pipe'
  /** `=` instead of `:=`. */
  readonly isAssign: boolean
  readonly variables: readonly VariableNode[]
  readonly commands: readonly CommandNode[]
}
export interface CommandNode extends At {
  readonly kind: 'command'
  /** The first is what is called or evaluated. */
  readonly args: readonly OperandNode[]
}

export interface FieldNode extends At {
  readonly kind: 'field'
  readonly path: readonly string[]
}
export interface VariableNode extends At {
  readonly kind: 'variable'
  /** With `$`. */
  readonly name: string
  readonly path: readonly string[]
}
export interface ChainNode extends At {
  readonly kind: 'chain'
  readonly of: OperandNode
  readonly path: readonly string[]
}
export interface IdentifierNode extends At {
  readonly kind: 'identifier'
  readonly name: string
}
export interface DotNode extends At {
  readonly kind: 'dot'
}
export interface NilNode extends At {
  readonly kind: 'nil'
}
export interface BoolNode extends At {
  readonly kind: 'bool'
  readonly value: boolean
}
export interface StringNode extends At {
  readonly kind: 'string'
  readonly quoted: string
  readonly value: string
}
/** A number can be used as each type for which it has a value. */
export interface NumberNode extends At {
  readonly kind: 'number'
  readonly text: string
  readonly int: bigint | undefined
  readonly uint: bigint | undefined
  readonly float: number | undefined
  readonly complex: { readonly real: number; readonly imag: number } | undefined
}
export type OperandNode =
  | FieldNode
  | VariableNode
  | ChainNode
  | IdentifierNode
  | DotNode
  | NilNode
  | BoolNode
  | StringNode
  | NumberNode
  | PipeNode

export type TemplateTree = ListNode
export type Node = StatementNode | ListNode | CommandNode | OperandNode
