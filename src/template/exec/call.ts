import { describeNode } from '../syntax/describe-node.ts'
import type { CommandNode, OperandNode } from '../syntax/node.ts'
import { itemsOf } from '../values/collection.ts'
import type { GoFunc } from '../values/func.ts'
import { MAX_TEXT } from '../values/limits.ts'
import { type Param, REFLECTED } from '../values/param.ts'
import { isTrue } from '../values/truth.ts'
import { typeName } from '../values/types.ts'
import type { Value } from '../values/value.ts'
import { checkArgument } from './argument.ts'
import { type Eval, MISSING, type Run } from './run.ts'

/** A call with what is piped in, or MISSING; methods get their receiver too. */
export type Call = (run: Run, dot: Value, piped: Value, receiver?: Value) => Value

export interface ArgumentCompiler {
  argument(node: OperandNode, param: Param<unknown>): Eval
}

/** `and` and `or` end at the first operand that decides, so the compiler makes them itself. */
export const AND: GoFunc = special()
export const OR: GoFunc = special()
/** `call` names in its message the operand that it was given. */
export const CALL: GoFunc = special()

/** Compiles the call of a function: operands by the types of its parameters, and their number. */
export function compileCall(
  compiler: ArgumentCompiler,
  name: string,
  func: GoFunc,
  node: CommandNode | OperandNode,
  operands: readonly OperandNode[],
  isMethod = false,
): Call {
  if (func === AND || func === OR) return compileLogic(compiler, name, func === OR, operands)
  const params = isMethod ? func.params.slice(1) : func.params
  const { rest } = func
  const paramAt = (i: number): Param<unknown> | undefined => params[i] ?? rest
  const args = operands.map((operand, i) => {
    const param = paramAt(i)
    return param === undefined ? () => undefined : compiler.argument(operand, param)
  })
  const pipedParam = paramAt(operands.length)
  return (run, dot, piped, receiver) => {
    const count = args.length + (piped === MISSING ? 0 : 1)
    if (rest === undefined ? count !== params.length : count < params.length) {
      const wanted =
        rest === undefined ? `${params.length} got ${count}` : `at least ${params.length} got ${args.length}`
      run.fail(`wrong number of args for ${name}: want ${wanted}`)
    }
    const values: Value[] = isMethod ? [receiver] : []
    for (const arg of args) values.push(arg(run, dot))
    if (piped !== MISSING && pipedParam !== undefined) {
      values.push(checkArgument(run, piped, pipedParam))
    }
    if (func === CALL) return failCallee(run, node, operands[0], values[0])
    return invoke(run, func, name, node, values)
  }
}

function invoke(run: Run, func: GoFunc, name: string, node: CommandNode | OperandNode, args: readonly Value[]): Value {
  let steps = 1 + (func.cost?.(args) ?? 0)
  for (const arg of args) steps += sizeOf(arg)
  run.spend(steps)
  let result: Value
  try {
    result = func.call(args, run)
  } catch (cause) {
    return run.failCall(name, node, cause)
  }
  if (typeof result === 'string' && result.length > MAX_TEXT) {
    run.node = node
    run.fail(`result of ${name} is too long`)
  }
  run.spend(sizeOf(result))
  return result
}

/** Steps for looking through a value. */
function sizeOf(value: Value): number {
  if (typeof value === 'string') return value.length >> 5
  return typeof value === 'object' && value !== null ? (itemsOf(value)?.length ?? 0) >> 2 : 0
}

function compileLogic(compiler: ArgumentCompiler, name: string, isOr: boolean, operands: readonly OperandNode[]): Call {
  const args = operands.map((operand) => compiler.argument(operand, REFLECTED))
  return (run, dot, piped) => {
    if (args.length === 0 && piped === MISSING) run.fail(`wrong number of args for ${name}: want at least 1 got 0`)
    let value: Value
    for (const arg of args) {
      value = arg(run, dot)
      if (isTrue(value) === isOr) return value
    }
    return piped === MISSING ? value : piped
  }
}

/** No value that a template can hold is a function. */
function failCallee(run: Run, node: CommandNode | OperandNode, operand: OperandNode | undefined, callee: Value): never {
  run.node = node
  if (callee === undefined || callee === null) return run.fail('error calling call: call of nil')
  const name = operand === undefined ? '' : describeNode(operand)
  return run.fail(`error calling call: non-function ${name} of type ${typeName(callee)}`)
}

function special(): GoFunc {
  return { params: [], rest: REFLECTED, call: () => undefined }
}
