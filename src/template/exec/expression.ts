import { describeNode } from '../syntax/describe-node.ts'
import type { ChainNode, CommandNode, FieldNode, OperandNode, PipeNode, VariableNode } from '../syntax/node.ts'
import type { GoFunc } from '../values/func.ts'
import type { Param } from '../values/param.ts'
import type { Value } from '../values/value.ts'
import { checkArgument, compileConstant, compileLiteral } from './argument.ts'
import { type ArgumentCompiler, type Call, compileCall } from './call.ts'
import { fieldOf, methodOf } from './field.ts'
import { type Eval, MISSING, type Run } from './run.ts'

/** A command with what comes through the pipe, or MISSING. */
type PipedEval = (run: Run, dot: Value, piped: Value) => Value

export interface Functions {
  get(name: string): GoFunc | undefined
}

/** Compiles expressions. `functions` has everything that the parser accepted. */
export class ExpressionCompiler implements ArgumentCompiler {
  readonly #functions: Functions

  constructor(functions: Functions) {
    this.#functions = functions
  }

  pipe(node: PipeNode): Eval {
    const commands = node.commands.map((command) => this.#command(command))
    const names = node.variables.map((variable) => variable.name)
    const { isAssign } = node
    const first = commands[0] as PipedEval
    const isSingle = commands.length === 1
    return (run, dot) => {
      run.node = node
      let value: Value = first(run, dot, MISSING) ?? undefined
      // A nil interface is no value from here on.
      if (!isSingle)
        for (let i = 1; i < commands.length; i++) value = (commands[i] as PipedEval)(run, dot, value) ?? undefined
      for (const name of names) {
        if (isAssign) run.set(name, value)
        else run.push(name, value)
      }
      return value
    }
  }

  /** An operand where a parameter of that type is wanted. */
  argument(node: OperandNode, param: Param<unknown>): Eval {
    const literal = compileLiteral(node, param)
    if (literal !== undefined) return literal
    const evaluate = this.#operand(node)
    return (run, dot) => {
      run.node = node
      return checkArgument(run, evaluate(run, dot), param)
    }
  }

  #command(node: CommandNode): PipedEval {
    const first = node.args[0] as OperandNode
    switch (first.kind) {
      case 'field':
        return this.#field(first, node.args)
      case 'variable':
        return this.#variable(first, node.args)
      case 'chain':
        return this.#chain(first, node.args)
      case 'identifier': {
        const call = this.#call(first.name, node, node.args.slice(1))
        return (run, dot, piped) => {
          run.node = first
          return call(run, dot, piped)
        }
      }
    }
    const hasArgs = node.args.length > 1
    const evaluate = this.#operand(first)
    return (run, dot, piped) => {
      if (first.kind !== 'pipe') run.node = first
      if (hasArgs || piped !== MISSING) run.fail(`can't give argument to non-function ${describeNode(first)}`)
      return evaluate(run, dot)
    }
  }

  #operand(node: OperandNode): Eval {
    switch (node.kind) {
      case 'dot':
        return (_run, dot) => dot
      case 'bool':
      case 'string': {
        const { value } = node
        return () => value
      }
      case 'number':
        return compileConstant(node)
      case 'nil':
        return (run) => run.fail('nil is not a command')
      case 'pipe':
        return this.pipe(node)
      case 'field':
        return unpiped(this.#field(node, []))
      case 'variable':
        return unpiped(this.#variable(node, []))
      case 'chain':
        return unpiped(this.#chain(node, []))
      case 'identifier': {
        const call = this.#call(node.name, node, [])
        return (run, dot) => {
          run.node = node
          return call(run, dot, MISSING)
        }
      }
    }
  }

  #call(name: string, node: CommandNode | OperandNode, args: readonly OperandNode[]): Call {
    const func = this.#functions.get(name)
    if (func === undefined) return (run) => run.fail(`${name} is not a defined function`)
    return compileCall(this, name, func, node, args)
  }

  #field(node: FieldNode, args: readonly OperandNode[]): PipedEval {
    const walk = this.#walk(node, node.path, args)
    return (run, dot, piped) => {
      run.node = node
      return walk(run, dot, dot, piped)
    }
  }

  #variable(node: VariableNode, args: readonly OperandNode[]): PipedEval {
    const { name, path } = node
    if (path.length === 0) {
      return (run, _dot, piped) => {
        run.node = node
        const value = run.get(name)
        if (args.length > 1 || piped !== MISSING) run.fail(`can't give argument to non-function ${name}`)
        return value
      }
    }
    const walk = this.#walk(node, path, args)
    return (run, dot, piped) => {
      run.node = node
      return walk(run, dot, run.get(name), piped)
    }
  }

  #chain(node: ChainNode, args: readonly OperandNode[]): PipedEval {
    if (node.of.kind === 'nil') {
      return (run) => {
        run.node = node
        return run.fail(`indirection through explicit nil in ${describeNode(node)}`)
      }
    }
    const of = this.#operand(node.of)
    const walk = this.#walk(node, node.path, args)
    return (run, dot, piped) => {
      run.node = node
      return walk(run, dot, of(run, dot), piped)
    }
  }

  /** `.A.B.C arg…`: only the last name may be a method that takes arguments. */
  #walk(
    node: FieldNode | VariableNode | ChainNode,
    path: readonly string[],
    args: readonly OperandNode[],
  ): (run: Run, dot: Value, receiver: Value, piped: Value) => Value {
    const last = path.length - 1
    const operands = args.slice(1)
    const calls = new Map<GoFunc, Call>()
    const invoke = (run: Run, dot: Value, method: GoFunc, i: number, receiver: Value, piped: Value): Value => {
      let call = calls.get(method)
      if (call === undefined) {
        call = compileCall(this, path[i] as string, method, node, i === last ? operands : [], true)
        calls.set(method, call)
      }
      return call(run, dot, i === last ? piped : MISSING, receiver)
    }
    return (run, dot, receiver, piped) => {
      let container: Value
      for (let i = 0; i <= last; i++) {
        const name = path[i] as string
        const method = methodOf(receiver, name)
        const taken: Value =
          method === undefined
            ? fieldOf(run, receiver, name, i === last && (operands.length > 0 || piped !== MISSING), container)
            : invoke(run, dot, method, i, receiver, piped)
        container = method === undefined ? receiver : undefined
        receiver = taken
      }
      return receiver
    }
  }
}

function unpiped(evaluate: PipedEval): Eval {
  return (run, dot) => evaluate(run, dot, MISSING)
}
