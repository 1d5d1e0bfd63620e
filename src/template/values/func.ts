import type { Param } from './param.ts'
import type { Value } from './value.ts'

/** A function of a template, or a method, whose receiver is then the first argument. */
export interface GoFunc {
  readonly params: readonly Param<unknown>[]
  /** Type of each further argument; `undefined`: there are none. */
  readonly rest: Param<unknown> | undefined
  /** Throws an Error for what Go returns as an error or panics with. */
  readonly call: (args: readonly Value[], meter: Meter) => Value
  /** What a call costs beside the default, in steps. */
  readonly cost?: (args: readonly Value[]) => number
}

/** Counts the work of a rendering in steps of about 100 ns, and ends it when it is too much. */
export interface Meter {
  spend(steps: number): void
}

type Values<P extends readonly Param<unknown>[]> = { [I in keyof P]: P[I] extends Param<infer T> ? T : never }

/** Declares a function with a fixed number of parameters. */
export function fn<const P extends readonly Param<unknown>[]>(params: P, call: (...args: Values<P>) => Value): GoFunc {
  const run = call as unknown as (...args: readonly Value[]) => Value
  return { params, rest: undefined, call: (args) => run(...args) }
}

/** Declares a variadic function: `call` gets the arguments of `rest` as one list at the end. */
export function variadic<const P extends readonly Param<unknown>[], R>(
  params: P,
  rest: Param<R>,
  call: (...args: [...Values<P>, R[]]) => Value,
): GoFunc {
  const run = call as unknown as (...args: readonly Value[]) => Value
  const fixed = params.length
  return { params, rest, call: (args) => run(...args.slice(0, fixed), args.slice(fixed)) }
}

/** Declares a function that counts its work while it goes on. */
export function metered<const P extends readonly Param<unknown>[]>(
  params: P,
  call: (meter: Meter, ...args: Values<P>) => Value,
): GoFunc {
  const run = call as unknown as (meter: Meter, ...args: readonly Value[]) => Value
  return { params, rest: undefined, call: (args, meter) => run(meter, ...args) }
}

/** The function with what a call of it costs: for those that work long on little. */
export function costly(func: GoFunc, cost: (args: readonly Value[]) => number): GoFunc {
  return { ...func, cost }
}

export function methods(table: Readonly<Record<string, GoFunc>>): ReadonlyMap<string, GoFunc> {
  return new Map(Object.entries(table))
}
