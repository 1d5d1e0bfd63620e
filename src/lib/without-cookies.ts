/**
 * Takes cookies out of a `Cookie` value. The rest stays as it was sent, and well-formed (V-082). Gives `undefined` when
 * nothing is left, and the same text when there is nothing to take out.
 */
export function withoutCookies(value: string, isRemoved: (name: string) => boolean): string | undefined {
  let found = false
  const kept: string[] = []
  for (const piece of value.split(';')) {
    const pair = piece.trim()
    if (pair === '') continue
    const equals = pair.indexOf('=')
    if (isRemoved((equals === -1 ? pair : pair.slice(0, equals)).trimEnd())) found = true
    else kept.push(pair)
  }
  if (!found) return value
  return kept.length === 0 ? undefined : kept.join('; ')
}
