import { quoteString } from '../format/quote.ts'
import type { Node } from './node.ts'

/** The node as source text, as Go's messages show it. */
export function describeNode(node: Node): string {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'list':
      return node.nodes.map(describeNode).join('')
    case 'action':
      return `{{${describeNode(node.pipe)}}}`
    case 'break':
    case 'continue':
      return `{{${node.kind}}}`
    case 'template':
      return `{{template ${quoteString(node.name)}${node.pipe === undefined ? '' : ` ${describeNode(node.pipe)}`}}}`
    case 'if':
    case 'with':
    case 'range': {
      const otherwise = node.elseList === undefined ? '' : `{{else}}${describeNode(node.elseList)}`
      return `{{${node.kind} ${describeNode(node.pipe)}}}${describeNode(node.list)}${otherwise}{{end}}`
    }
    case 'pipe': {
      const names = node.variables.map(describeNode).join(', ')
      const target = names === '' ? '' : `${names} ${node.isAssign ? '=' : ':='} `
      return target + node.commands.map(describeNode).join(' | ')
    }
    case 'command':
      return node.args.map((arg) => (arg.kind === 'pipe' ? `(${describeNode(arg)})` : describeNode(arg))).join(' ')
    case 'field':
      return node.path.map((name) => `.${name}`).join('')
    case 'variable':
      return [node.name, ...node.path].join('.')
    case 'chain': {
      const inner = describeNode(node.of)
      return `${node.of.kind === 'pipe' ? `(${inner})` : inner}${node.path.map((name) => `.${name}`).join('')}`
    }
    case 'identifier':
      return node.name
    case 'dot':
      return '.'
    case 'nil':
      return 'nil'
    case 'bool':
      return String(node.value)
    case 'string':
      return node.quoted
    case 'number':
      return node.text
  }
}
