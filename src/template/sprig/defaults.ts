import { fn, type GoFunc, variadic } from '../values/func.ts'
import { ANY, BOOL, STRING } from '../values/param.ts'
import { isEmpty } from './empty.ts'

/** Choosing between values, and giving up. */
export const DEFAULTS: Readonly<Record<string, GoFunc>> = {
  all: variadic([], ANY, (values) => !values.some(isEmpty)),
  any: variadic([], ANY, (values) => values.some((value) => !isEmpty(value))),
  coalesce: variadic([], ANY, (values) => values.find((value) => !isEmpty(value)) ?? null),
  default: variadic([ANY], ANY, (fallback, given) => (given.length === 0 || isEmpty(given[0]) ? fallback : given[0])),
  empty: fn([ANY], isEmpty),
  fail: fn([STRING], (message) => {
    throw new Error(message)
  }),
  ternary: fn([ANY, ANY, BOOL], (yes, no, isYes) => (isYes ? yes : no)),
}
