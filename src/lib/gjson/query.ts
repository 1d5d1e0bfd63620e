import type { Query } from './path.ts'
import { parseNumber } from './numbers.ts'
import { exists, isTruthy, numberOf, stringOf, truthOfWord, type Value } from './value.ts'
import { matchesWildcard } from './wildcard.ts'

/** Whether a value is what a query asks for. */
export type Condition = (value: Value) => boolean

/** Compiles operator and operand of a query. */
export function compileCondition({ operator, operand }: Pick<Query, 'operator' | 'operand'>): Condition {
  if (!operand.startsWith('~')) return compare(operator, operand)
  const isSo = TRUTHS[operand.slice(1)]
  if (isSo === undefined) return () => false
  const whenTrue = compare(operator, 'true')
  return (value) => whenTrue({ kind: isSo(value) ? 'true' : 'false', raw: '~' })
}

/** `~true` and its like: what counts as true, as false, as null, as being there. */
const TRUTHS: Readonly<Record<string, Condition>> = {
  '*': exists,
  null: ({ kind }) => kind === 'null',
  true: isTruthy,
  false: isFalsy,
}

function isFalsy(value: Value): boolean {
  if (value.kind === 'string') return truthOfWord(stringOf(value)) === false
  if (value.kind === 'number') return numberOf(value) === 0
  return value.kind === 'null' || value.kind === 'false'
}

function compare(operator: string, operand: string): Condition {
  if (operator === '') return exists
  const number = parseNumber(operand)
  return (value) => {
    switch (value.kind) {
      case 'string':
        return compareStrings(operator, stringOf(value), operand)
      case 'number':
        return compareOrdered(operator, numberOf(value), number)
      case 'true':
        return compareTrue(operator, operand)
      case 'false':
        return compareFalse(operator, operand)
      default:
        return false
    }
  }
}

function compareStrings(operator: string, left: string, right: string): boolean {
  if (operator === '%') return matchesWildcard(left, right)
  if (operator === '!%') return !matchesWildcard(left, right)
  return compareOrdered(operator, left, right)
}

function compareOrdered<T extends string | number>(operator: string, left: T, right: T): boolean {
  switch (operator) {
    case '=':
      return left === right
    case '!=':
      return left !== right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    default:
      return false
  }
}

function compareTrue(operator: string, operand: string): boolean {
  if (operator === '=') return operand === 'true'
  if (operator === '!=') return operand !== 'true'
  if (operator === '>') return operand === 'false'
  return operator === '>='
}

function compareFalse(operator: string, operand: string): boolean {
  if (operator === '=') return operand === 'false'
  if (operator === '!=') return operand !== 'false'
  if (operator === '<') return operand === 'true'
  return operator === '<='
}
