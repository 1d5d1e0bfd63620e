import { entryOf, isMap, missingEntry } from '../values/collection.ts'
import type { GoFunc } from '../values/func.ts'
import { elemTypeName, typeName } from '../values/types.ts'
import { GoInt, GoMap, GoStruct, type Value } from '../values/value.ts'
import type { Run } from './run.ts'

/** The method of that name, if the value has one. */
export function methodOf(receiver: Value, name: string): GoFunc | undefined {
  if (receiver instanceof GoStruct) {
    const { type, isPointer } = receiver
    return !isPointer && type.pointerMethods?.has(name) === true ? undefined : type.methods.get(name)
  }
  if (receiver instanceof GoInt) return receiver.type.methods?.get(name)
  return receiver instanceof GoMap ? receiver.type.methods?.get(name) : undefined
}

/**
 * The field of a struct or the entry of a map. Methods were looked for before.
 * @param container what the receiver was taken from, for messages
 */
export function fieldOf(run: Run, receiver: Value, name: string, hasArgs: boolean, container: Value): Value {
  if (receiver === undefined) return undefined
  if (receiver === null) return run.fail(`nil pointer evaluating ${staticType(receiver, container)}.${name}`)
  if (receiver instanceof GoStruct) {
    const field = receiver.type.fields.find((known) => known.name === name)
    if (field !== undefined) {
      if (receiver.self === null) run.fail(`nil pointer evaluating ${typeName(receiver)}.${name}`)
      if (!/^\p{Lu}/u.test(name)) run.fail(`${name} is an unexported field of struct type ${typeName(receiver)}`)
      if (hasArgs) run.fail(`${name} has arguments but cannot be invoked as function`)
      return field.get(receiver.self)
    }
  } else if (isMap(receiver)) {
    if (hasArgs) run.fail(`${name} is not a method but has arguments`)
    const value = entryOf(receiver, name)
    return value === undefined ? missingEntry(receiver) : value
  }
  return run.fail(`can't evaluate field ${name} in type ${staticType(receiver, container)}`)
}

function staticType(receiver: Value, container: Value): string {
  if (container === undefined || container instanceof GoStruct) return typeName(receiver)
  return elemTypeName(container)
}
