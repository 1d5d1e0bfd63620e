import { deepEqual } from '../values/deep-equal.ts'
import { costly, fn, type GoFunc } from '../values/func.ts'
import { nodeCount } from '../values/node-count.ts'
import { ANY, STRING } from '../values/param.ts'
import { kindOf, typeName } from '../values/types.ts'
import type { Value } from '../values/value.ts'

/** Questions about the Go type of a value. */
export const REFLECTION: Readonly<Record<string, GoFunc>> = {
  deepEqual: costly(
    fn([ANY, ANY], (a, b) => deepEqual(a, b)),
    ([a]) => nodeCount(a),
  ),
  kindIs: fn([STRING, ANY], (kind, value) => kind === kindOf(value)),
  kindOf: fn([ANY], kindOf),
  typeIs: fn([STRING, ANY], (type, value) => type === typeOf(value)),
  typeIsLike: fn([STRING, ANY], (type, value) => typeOf(value) === type || typeOf(value) === `*${type}`),
  typeOf: fn([ANY], typeOf),
}

function typeOf(value: Value): string {
  return value === null ? '<nil>' : typeName(value)
}
