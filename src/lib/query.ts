/** Parameters of a query string, each name with all its values in order. */
export type Query = ReadonlyMap<string, readonly string[]>

/**
 * Reads `application/x-www-form-urlencoded` strictly: `undefined` when a percent sign does not begin an escape or the
 * bytes are no UTF-8, where other readers would guess.
 */
export function parseQuery(rawQuery: string): Query | undefined {
  const query = new Map<string, string[]>()
  if (rawQuery === '') return query
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals))
    const value = decode(equals === -1 ? '' : pair.slice(equals + 1))
    if (name === undefined || value === undefined) return undefined
    const values = query.get(name)
    if (values === undefined) query.set(name, [value])
    else values.push(value)
  }
  return query
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.includes('+') ? text.replaceAll('+', ' ') : text)
  } catch {
    return undefined
  }
}
