import { compareBytes } from '../../lib/go-string.ts'
import { isMap, itemsOf } from '../values/collection.ts'
import { deepEqual } from '../values/deep-equal.ts'
import { fn, type GoFunc, variadic } from '../values/func.ts'
import { REFLECTED } from '../values/param.ts'
import { integerOf, isUnsigned, kindOf, typeName } from '../values/types.ts'
import { GoComplex, GoMap, GoSlice, GoStruct, type Value } from '../values/value.ts'

/** `eq ne lt le gt ge`: basic kinds must agree, and only what Go can order is ordered. */
export const COMPARISONS: Readonly<Record<string, GoFunc>> = {
  eq: variadic([REFLECTED], REFLECTED, (first, others) => {
    if (others.length === 0) throw new Error('missing argument for comparison')
    return others.some((other) => isEqual(first, other))
  }),
  ne: fn([REFLECTED, REFLECTED], (a, b) => !isEqual(a, b)),
  lt: fn([REFLECTED, REFLECTED], isLess),
  le: fn([REFLECTED, REFLECTED], isLessOrEqual),
  gt: fn([REFLECTED, REFLECTED], (a, b) => !isLessOrEqual(a, b)),
  ge: fn([REFLECTED, REFLECTED], (a, b) => !isLess(a, b)),
}

type BasicKind = 'bool' | 'int' | 'uint' | 'float' | 'complex' | 'string' | undefined

function basicKind(value: Value): BasicKind {
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'number':
      return 'float'
    case 'string':
      return 'string'
    case 'bigint':
      return 'int'
  }
  if (value instanceof GoComplex) return 'complex'
  if (integerOf(value) === undefined) return undefined
  return isUnsigned(value) ? 'uint' : 'int'
}

function isInteger(kind: BasicKind): boolean {
  return kind === 'int' || kind === 'uint'
}

function isEqual(a: Value, b: Value): boolean {
  const kindA = basicKind(a)
  const kindB = basicKind(b)
  if (kindA !== kindB) {
    if (isInteger(kindA) && isInteger(kindB)) return integerOf(a) === integerOf(b)
    return isNone(a) || isNone(b) ? false : incompatible(a, b)
  }
  if (kindA === 'int' || kindA === 'uint') return integerOf(a) === integerOf(b)
  if (a instanceof GoComplex && b instanceof GoComplex) return a.real === b.real && a.imag === b.imag
  return kindA === undefined ? isSame(a, b) : a === b
}

/** Equality of what is neither a number, a text nor a truth value. */
function isSame(a: Value, b: Value): boolean {
  if (!isNone(a) && !isNone(b) && kindOf(a) !== kindOf(b)) {
    throw new Error(`non-comparable types ${typeName(a)} and ${typeName(b)}`)
  }
  if (isNil(a) || isNil(b)) return isNil(a) && isNil(b)
  const isComparable = !isMap(b) && itemsOf(b) === undefined && !holdsIncomparable(b)
  if (!isComparable) throw new Error(`non-comparable type ${typeName(b)}`)
  if (a instanceof GoStruct && a.isPointer) return b instanceof GoStruct && a.type === b.type && a.self === b.self
  return deepEqual(a, b)
}

/** A struct with a list or map in it cannot be compared. */
function holdsIncomparable(value: Value): boolean {
  if (!(value instanceof GoStruct) || value.isPointer) return false
  return value.type.fields.some((field) => {
    const part = field.get(value.self)
    return isMap(part) || itemsOf(part) !== undefined
  })
}

function isLess(a: Value, b: Value): boolean {
  const kindA = basicKind(a)
  const kindB = basicKind(b)
  if (kindA === undefined || kindB === undefined) throw new Error('invalid type for comparison')
  const intA = integerOf(a)
  const intB = integerOf(b)
  if (intA !== undefined && intB !== undefined) return intA < intB
  if (kindA !== kindB) incompatible(a, b)
  if (kindA === 'bool' || kindA === 'complex') throw new Error('invalid type for comparison')
  if (typeof a === 'string' && typeof b === 'string') return compareBytes(a, b) < 0
  return (a as number) < (b as number)
}

function isLessOrEqual(a: Value, b: Value): boolean {
  return isLess(a, b) || isEqual(a, b)
}

function incompatible(a: Value, b: Value): never {
  throw new Error(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`)
}

function isNone(value: Value): boolean {
  return value === null || value === undefined
}

function isNil(value: Value): boolean {
  if (value instanceof GoSlice || value instanceof GoMap) return value.isNil
  return isNone(value) || (value instanceof GoStruct && value.isPointer && value.self === null)
}
