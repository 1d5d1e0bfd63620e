import type { GoFunc } from './func.ts'

/**
 * A value as a template sees it. Plain JavaScript values are Go's most frequent types: string, boolean as bool,
 * number as float64, bigint as int, array as []interface{}, plain object as map[string]interface{} (read-only).
 * `null` is a nil interface; `undefined` is no value at all (Go's zero reflect.Value). The rest are the classes below.
 */
export type Value = unknown

export type IntKind = 'int' | 'int8' | 'int16' | 'int32' | 'int64' | 'uint' | 'uint8' | 'uint16' | 'uint32' | 'uint64'

export interface IntType {
  readonly name: string
  readonly kind: IntKind
  /** Go's String method, where the type has one. */
  readonly string?: (value: bigint) => string
  readonly methods?: ReadonlyMap<string, GoFunc>
}

export const INT64: IntType = { name: 'int64', kind: 'int64' }
export const INT32: IntType = { name: 'int32', kind: 'int32' }
export const UINT8: IntType = { name: 'uint8', kind: 'uint8' }
export const UINT32: IntType = { name: 'uint32', kind: 'uint32' }
export const UINT64: IntType = { name: 'uint64', kind: 'uint64' }

/** An integer of any type but int. */
export class GoInt {
  readonly value: bigint
  readonly type: IntType

  constructor(value: bigint, type: IntType) {
    this.value = value
    this.type = type
  }
}

export class GoComplex {
  readonly real: number
  readonly imag: number

  constructor(real: number, imag: number) {
    this.real = real
    this.imag = imag
  }
}

/** A slice whose elements are not interfaces, or one that is nil. */
export class GoSlice {
  /** Go's name of the element type. */
  readonly elem: string
  readonly items: readonly Value[]
  readonly isNil: boolean

  constructor(elem: string, items: readonly Value[], isNil = false) {
    this.elem = elem
    this.items = items
    this.isNil = isNil
  }
}

export interface MapType {
  readonly name: string
  /** Go's name of the element type. */
  readonly elem: string
  readonly methods?: ReadonlyMap<string, GoFunc>
}

export const ANY_MAP: MapType = { name: 'map[string]interface {}', elem: 'interface {}' }
export const STRING_MAP: MapType = { name: 'map[string]string', elem: 'string' }

/** A map with string keys that a template made, or whose type is not map[string]interface{}. */
export class GoMap {
  readonly type: MapType
  readonly entries: Map<string, Value>
  readonly isNil: boolean

  constructor(type: MapType, entries: Map<string, Value>, isNil = false) {
    this.type = type
    this.entries = entries
    this.isNil = isNil
  }
}

export interface StructType {
  /** Without `*`. */
  readonly name: string
  readonly fields: readonly StructField[]
  readonly methods: ReadonlyMap<string, GoFunc>
  /** Those of the methods that only a pointer has. */
  readonly pointerMethods?: ReadonlySet<string>
  /** Go's String method, used by every kind of printing; `self` may be `null` where nil pointers occur. */
  readonly string?: (self: unknown) => string
  /** The text that it is in JSON, where the type says so itself. */
  readonly json?: (self: unknown) => string
}

export interface StructField {
  readonly name: string
  /** Name in JSON, where it is another. */
  readonly json?: string
  readonly get: (self: unknown) => Value
}

/** A Go struct or a pointer to one; `self` holds its data, `null` for a nil pointer. */
export class GoStruct {
  readonly type: StructType
  readonly isPointer: boolean
  readonly self: unknown

  constructor(type: StructType, isPointer: boolean, self: unknown) {
    this.type = type
    this.isPointer = isPointer
    this.self = self
  }
}
