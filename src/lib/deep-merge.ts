/** An object of a configuration: keys and values, nothing inherited. */
export type PlainObject = Record<string, unknown>

/** Whether the value is an object of a configuration, neither an array nor an instance of a class. */
export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/**
 * Lays `over` on `base`: objects key by key, everything else (arrays, `null`, scalars) replaced. An `undefined` in
 * `over` leaves what is below. Neither input is changed; the result shares what only one of them has.
 */
export function deepMerge(base: Readonly<PlainObject>, over: Readonly<PlainObject>): PlainObject {
  const out: PlainObject = {}
  for (const [key, value] of Object.entries(base)) setOwn(out, key, value)
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue
    const below = Object.hasOwn(out, key) ? out[key] : undefined
    setOwn(out, key, isPlainObject(below) && isPlainObject(value) ? deepMerge(below, value) : value)
  }
  return out
}

/** Sets a key as data, also `__proto__`, which an assignment would take for the prototype (prototype pollution). */
export function setOwn(target: PlainObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
    return
  }
  target[key] = value
}
