/** Says which cookies are the product's own: the session's, and those of a login under way. */
export type OwnCookie = (name: string) => boolean

/**
 * Takes the product's own cookies out of a `Cookie` value: an upstream must not be able to act as the person who visits
 * it. The rest stays as it was sent, and well-formed (V-082). Gives `undefined` when nothing is left, and the same text
 * when there is nothing to take out.
 */
export function withoutOwnCookies(value: string, isOwn: OwnCookie): string | undefined {
  let found = false
  const kept: string[] = []
  for (const piece of value.split(';')) {
    const pair = piece.trim()
    if (pair === '') continue
    const equals = pair.indexOf('=')
    if (isOwn((equals === -1 ? pair : pair.slice(0, equals)).trimEnd())) found = true
    else kept.push(pair)
  }
  if (!found) return value
  return kept.length === 0 ? undefined : kept.join('; ')
}
