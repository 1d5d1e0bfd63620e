import { AND, CALL, OR } from '../exec/call.ts'
import { sprintln } from '../format/printer.ts'
import { sprintf } from '../format/printf.ts'
import { fn, type GoFunc, variadic } from '../values/func.ts'
import { ANY, REFLECTED, STRING } from '../values/param.ts'
import { isTrue } from '../values/truth.ts'
import { ACCESS } from './access.ts'
import { COMPARISONS } from './comparison.ts'
import { ESCAPES } from './escape.ts'

/** The functions of text/template, with the two that Oathkeeper puts in their place. */
export const BUILTINS: Readonly<Record<string, GoFunc>> = {
  and: AND,
  call: CALL,
  not: fn([REFLECTED], (value) => !isTrue(value)),
  or: OR,
  printf: variadic([STRING], ANY, sprintf),
  println: variadic([], ANY, sprintln),
  ...ACCESS,
  ...COMPARISONS,
  ...ESCAPES,
}
