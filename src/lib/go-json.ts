const SPECIAL = /[<>&\u2028\u2029]/g

/** Escapes in JSON text what Go's encoder escapes, so that the text is harmless inside HTML and JavaScript too. */
export function escapeHtmlInJson(json: string): string {
  return json.replace(SPECIAL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * Writes JSON values as Go's encoder does: keys of objects in order, HTML escaped, what is not UTF-8 as U+FFFD. A `Map`
 * is an object whose keys stay as they are, as those of Go's structs.
 * @throws {RangeError} for a number that JSON cannot hold.
 */
export function goJson(value: unknown): string {
  return escapeHtmlInJson(write(value))
}

function write(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.toWellFormed())
    case 'number':
      if (!Number.isFinite(value)) throw new RangeError('a number is too large for JSON')
      return Object.is(value, -0) ? '-0' : String(value)
    case 'boolean':
      return String(value)
    case 'object':
      return value === null ? 'null' : writeObject(value)
    default:
      return 'null'
  }
}

function writeObject(value: object): string {
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  const entries: Iterable<[unknown, unknown]> =
    value instanceof Map ? value : Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  const members: string[] = []
  for (const [key, member] of entries) members.push(`${write(String(key))}:${write(member)}`)
  return `{${members.join(',')}}`
}

/**
 * A member of a JSON object as Go's decoder finds the field of a struct: by its name, else by the last key that is the
 * name in another case.
 */
export function goMember(object: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name]
  const lower = name.toLowerCase()
  const key = Object.keys(object).findLast((candidate) => candidate.toLowerCase() === lower)
  return key === undefined ? undefined : object[key]
}
