import { describeNode } from '../syntax/describe-node.ts'
import type { OperandNode, NumberNode } from '../syntax/node.ts'
import type { Param } from '../values/param.ts'
import { typeName } from '../values/types.ts'
import type { Value } from '../values/value.ts'
import { GoComplex } from '../values/value.ts'
import type { Eval, Run } from './run.ts'

const MAX_INT = 2n ** 63n - 1n

/** Makes sure that a value can be passed for a parameter, as Go's validateType. */
export function checkArgument(run: Run, value: Value, param: Param<unknown>): Value {
  if (value === undefined) {
    return param.nil === undefined ? run.fail(`invalid value; expected ${param.name}`) : param.nil.value
  }
  if (param.literal === 'any') return value
  if (value === null || !param.accepts(value)) {
    run.fail(`wrong type for value; expected ${param.name}; got ${typeName(value)}`)
  }
  return value
}

/** Compiles a literal (or `nil`) that is passed for a parameter. Nothing for other operands. */
export function compileLiteral(node: OperandNode, param: Param<unknown>): Eval | undefined {
  switch (node.kind) {
    case 'nil': {
      const { nil } = param
      if (nil !== undefined) return constant(node, nil.value)
      return failing(node, `cannot assign nil to ${param.name}`)
    }
    case 'bool':
      return literal(node, param, 'bool', node.value)
    case 'string':
      return literal(node, param, 'string', node.value)
    case 'number':
      return numberLiteral(node, param)
    default:
      return undefined
  }
}

/** A number where nothing says which type it should have: its spelling decides. */
export function compileConstant(node: NumberNode): Eval {
  const value = constantOf(node)
  if (value !== undefined) return constant(node, value)
  return failing(node, `${node.text} overflows int`)
}

function constantOf(node: NumberNode): Value {
  if (node.complex !== undefined) return new GoComplex(node.complex.real, node.complex.imag)
  const isHexInt = /^0[xX].*/.test(node.text) && !/[pP]/.test(node.text) && node.text.length > 2
  const isFloat = !isHexInt && !node.text.startsWith("'") && /[.eEpP]/.test(node.text)
  if (node.float !== undefined && isFloat) return node.float
  return node.int !== undefined && node.int <= MAX_INT ? node.int : undefined
}

function numberLiteral(node: NumberNode, param: Param<unknown>): Eval {
  switch (param.literal) {
    case 'any':
      return compileConstant(node)
    case 'int': {
      if (node.int === undefined) return failing(node, `expected integer; found ${describeNode(node)}`)
      const value = param.wrap === undefined ? node.int : param.wrap(node.int)
      return constant(node, value)
    }
    case 'uint': {
      const { uint } = node
      if (uint === undefined) return failing(node, `expected unsigned integer; found ${describeNode(node)}`)
      return constant(node, uint)
    }
    case 'float': {
      const { float } = node
      return float === undefined ? failing(node, `expected float; found ${describeNode(node)}`) : constant(node, float)
    }
    default:
      return mismatch(node, param)
  }
}

function literal(node: OperandNode, param: Param<unknown>, kind: 'bool' | 'string', value: Value): Eval {
  return param.literal === 'any' || param.literal === kind ? constant(node, value) : mismatch(node, param)
}

function mismatch(node: OperandNode, param: Param<unknown>): Eval {
  const text = describeNode(node)
  const expected = {
    bool: 'bool',
    string: 'string',
    int: 'integer',
    uint: 'unsigned integer',
    float: 'float',
    any: '',
    none: '',
  }[param.literal]
  if (expected === '') return failing(node, `can't handle ${text} for arg of type ${param.name}`)
  return failing(node, `expected ${expected}; found ${text}`)
}

/** Notes where it is, for what fails next. */
function constant(node: OperandNode, value: Value): Eval {
  return (run) => {
    run.node = node
    return value
  }
}

function failing(node: OperandNode, message: string): Eval {
  return (run) => {
    run.node = node
    return run.fail(message)
  }
}
