import { GoComplex, GoInt, GoMap, GoSlice, GoStruct, type Value } from './value.ts'

/** Go's name of a value's type. */
export function typeName(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'number':
      return 'float64'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'object':
      break
    default:
      return 'interface {}'
  }
  if (value === null) return 'interface {}'
  if (Array.isArray(value)) return '[]interface {}'
  if (value instanceof GoInt) return value.type.name
  if (value instanceof GoMap) return value.type.name
  if (value instanceof GoSlice) return `[]${value.elem}`
  if (value instanceof GoStruct) return value.isPointer ? `*${value.type.name}` : value.type.name
  if (value instanceof GoComplex) return 'complex128'
  return 'map[string]interface {}'
}

/** Go's reflect.Kind of a value, by name; `invalid` for nil. */
export function kindOf(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'number':
      return 'float64'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'object':
      break
    default:
      return 'invalid'
  }
  if (value === null) return 'invalid'
  if (Array.isArray(value) || value instanceof GoSlice) return 'slice'
  if (value instanceof GoInt) return value.type.kind
  if (value instanceof GoStruct) return value.isPointer ? 'ptr' : 'struct'
  if (value instanceof GoComplex) return 'complex128'
  return 'map'
}

/** Name of the element type of a list or map, for messages about what is missing in it. */
export function elemTypeName(container: Value): string {
  if (container instanceof GoSlice) return container.elem
  if (container instanceof GoMap) return container.type.elem
  return 'interface {}'
}

/** The value of any integer type. */
export function integerOf(value: Value): bigint | undefined {
  if (typeof value === 'bigint') return value
  return value instanceof GoInt ? value.value : undefined
}

export function isUnsigned(value: Value): boolean {
  return value instanceof GoInt && value.type.kind.startsWith('uint')
}
