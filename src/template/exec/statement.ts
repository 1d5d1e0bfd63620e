import { formatValue } from '../format/printer.ts'
import { quoteString } from '../format/quote.ts'
import type { ActionNode, BranchNode, ListNode, StatementNode, TemplateNode } from '../syntax/node.ts'
import { entryOf, isMap, itemsOf, sortedKeys } from '../values/collection.ts'
import { LimitError, MAX_TEMPLATE_DEPTH } from '../values/limits.ts'
import { isTrue } from '../values/truth.ts'
import { integerOf, typeName } from '../values/types.ts'
import { GoInt, GoStruct, type Value } from '../values/value.ts'
import type { ExpressionCompiler } from './expression.ts'
import { BREAK, CONTINUE, type Exec, NORMAL, type Run, type Signal } from './run.ts'

/** Compiles a list of statements. */
export function compileList(list: ListNode, expressions: ExpressionCompiler): Exec {
  const statements = list.nodes.map((node) => compileStatement(node, expressions))
  const only = statements[0]
  if (only !== undefined && statements.length === 1) return only
  return (run, dot) => {
    for (const statement of statements) {
      const signal = statement(run, dot)
      if (signal !== NORMAL) return signal
    }
    return NORMAL
  }
}

function compileStatement(node: StatementNode, expressions: ExpressionCompiler): Exec {
  switch (node.kind) {
    case 'text': {
      const { text } = node
      return (run) => {
        run.write(text)
        return NORMAL
      }
    }
    case 'action':
      return compileAction(node, expressions)
    case 'break':
      return () => BREAK
    case 'continue':
      return () => CONTINUE
    case 'if':
    case 'with':
      return compileBranch(node, expressions)
    case 'range':
      return compileRange(node, expressions)
    case 'template':
      return compileTemplateCall(node, expressions)
  }
}

function compileAction(node: ActionNode, expressions: ExpressionCompiler): Exec {
  const pipe = expressions.pipe(node.pipe)
  if (node.pipe.variables.length > 0) {
    return (run, dot) => {
      run.node = node
      pipe(run, dot)
      return NORMAL
    }
  }
  return (run, dot) => {
    run.node = node
    const value = pipe(run, dot)
    run.node = node
    run.write(typeof value === 'string' ? value : printed(run, value))
    return NORMAL
  }
}

function printed(run: Run, value: Value): string {
  if (value === undefined) return '<no value>'
  try {
    // A pointer is printed as what it points to, unless it has a String method.
    const isPlainPointer = value instanceof GoStruct && value.isPointer && value.self !== null && !value.type.string
    return formatValue(isPlainPointer ? new GoStruct(value.type, false, value.self) : value)
  } catch (cause) {
    if (cause instanceof LimitError) return run.fail(cause.message)
    throw cause
  }
}

function compileBranch(node: BranchNode, expressions: ExpressionCompiler): Exec {
  const pipe = expressions.pipe(node.pipe)
  const list = compileList(node.list, expressions)
  const elseList = node.elseList === undefined ? undefined : compileList(node.elseList, expressions)
  const isWith = node.kind === 'with'
  return (run, dot) => {
    run.node = node
    const { mark } = run
    const value = pipe(run, dot)
    let signal: Signal = NORMAL
    if (isTrue(value)) signal = list(run, isWith ? value : dot)
    else if (elseList !== undefined) signal = elseList(run, dot)
    run.pop(mark)
    return signal
  }
}

function compileRange(node: BranchNode, expressions: ExpressionCompiler): Exec {
  const pipe = expressions.pipe(node.pipe)
  const list = compileList(node.list, expressions)
  const elseList = node.elseList === undefined ? undefined : compileList(node.elseList, expressions)
  const names = node.pipe.variables.map((variable) => variable.name)
  const { isAssign } = node.pipe
  const cost = 1 + node.list.nodes.length

  const iterate = (run: Run, mark: number, index: Value, item: Value): Signal => {
    run.spend(cost)
    const [first, second] = names
    if (first !== undefined && isAssign) {
      run.set(first, second === undefined ? item : index)
      if (second !== undefined) run.set(second, item)
    } else if (first !== undefined) {
      run.setTop(1, item)
      if (second !== undefined) run.setTop(2, index)
    }
    const signal = list(run, item)
    run.pop(mark)
    return signal
  }

  return (run, dot) => {
    run.node = node
    const outer = run.mark
    const value = pipe(run, dot)
    const { mark } = run
    let isEmpty = true
    for (const [index, item] of pairsOf(run, value, names.length)) {
      isEmpty = false
      if (iterate(run, mark, index, item) === BREAK) break
    }
    let signal: Signal = NORMAL
    // As in Go, a break in the else part ends this range, a continue goes on with the one around it.
    if (isEmpty && elseList !== undefined) signal = elseList(run, dot) === CONTINUE ? CONTINUE : NORMAL
    run.pop(outer)
    return signal
  }
}

/** What a range goes through. */
function* pairsOf(run: Run, value: Value, variables: number): Iterable<readonly [index: Value, item: Value]> {
  if (value === undefined) return
  const items = itemsOf(value)
  if (items !== undefined) {
    for (let i = 0; i < items.length; i++) yield [BigInt(i), items[i] ?? null]
    return
  }
  const count = integerOf(value)
  if (count !== undefined) {
    if (variables > 1) run.fail(`can't use ${typeName(value)} to iterate over more than one variable`)
    for (let i = 0n; i < count; i++) yield [undefined, value instanceof GoInt ? new GoInt(i, value.type) : i]
    return
  }
  if (!isMap(value)) run.fail(`range can't iterate over a value of type ${typeName(value)}`)
  for (const key of sortedKeys(value)) yield [key, entryOf(value, key)]
}

function compileTemplateCall(node: TemplateNode, expressions: ExpressionCompiler): Exec {
  const pipe = node.pipe === undefined ? () => undefined : expressions.pipe(node.pipe)
  const { name } = node
  return (run, dot) => {
    run.node = node
    const exec = run.program.templates.get(name)
    if (exec === undefined) return run.fail(`template ${quoteString(name)} not defined`)
    if (run.depth >= MAX_TEMPLATE_DEPTH) run.fail(`exceeded maximum template depth (${MAX_TEMPLATE_DEPTH})`)
    run.spend(1)
    run.call(name, pipe(run, dot), exec)
    return NORMAL
  }
}
