import { isMap, itemsOf } from './collection.ts'
import { ANY_MAP, GoInt, GoMap, GoSlice, GoStruct, type StructType, type Value } from './value.ts'

/** How a literal in a template becomes an argument of this type. */
export type LiteralKind = 'bool' | 'string' | 'int' | 'uint' | 'float' | 'any' | 'none'

/** The type of a function's parameter. */
export interface Param<T> {
  /** Go's name of the type. */
  readonly name: string
  readonly literal: LiteralKind
  readonly accepts: (value: Value) => boolean
  /** What nil becomes, where the type has a nil. */
  readonly nil?: { readonly value: T }
  /** What the function gets for an accepted value, where that is not the value itself. */
  readonly wrap?: (value: bigint) => T
}

export const STRING: Param<string> = { name: 'string', literal: 'string', accepts: (v) => typeof v === 'string' }
export const BOOL: Param<boolean> = { name: 'bool', literal: 'bool', accepts: (v) => typeof v === 'boolean' }
export const INT: Param<bigint> = { name: 'int', literal: 'int', accepts: (v) => typeof v === 'bigint' }
export const FLOAT: Param<number> = { name: 'float64', literal: 'float', accepts: (v) => typeof v === 'number' }
export const INT64_PARAM: Param<GoInt> = {
  name: 'int64',
  literal: 'int',
  accepts: (v) => v instanceof GoInt && v.type.name === 'int64',
  wrap: (v) => new GoInt(v, { name: 'int64', kind: 'int64' }),
}
/** interface{}: nil is `null`. */
export const ANY: Param<Value> = { name: 'interface {}', literal: 'any', accepts: () => true, nil: { value: null } }
/** reflect.Value: anything, and no value as `undefined`. */
export const REFLECTED: Param<Value> = {
  name: 'reflect.Value',
  literal: 'any',
  accepts: () => true,
  nil: { value: undefined },
}
export const ANY_MAP_PARAM: Param<GoMap | Readonly<Record<string, Value>>> = {
  name: ANY_MAP.name,
  literal: 'none',
  accepts: (v) => isMap(v) && (!(v instanceof GoMap) || v.type === ANY_MAP),
  nil: { value: new GoMap(ANY_MAP, new Map(), true) },
}
export const ANY_LIST: Param<readonly Value[] | GoSlice> = {
  name: '[]interface {}',
  literal: 'none',
  accepts: (v) => itemsOf(v) !== undefined && (!(v instanceof GoSlice) || v.elem === 'interface {}'),
  nil: { value: new GoSlice('interface {}', [], true) },
}

/** A parameter that takes a struct, or a pointer to one. */
export function structParam(type: StructType, isPointer: boolean): Param<GoStruct> {
  return {
    name: isPointer ? `*${type.name}` : type.name,
    literal: 'none',
    accepts: (v) => v instanceof GoStruct && v.type === type && v.isPointer === isPointer,
    ...(isPointer ? { nil: { value: new GoStruct(type, true, null) } } : {}),
  }
}
