const SPECIAL = /[<>&\u2028\u2029]/g

/** Escapes in JSON text what Go's encoder escapes, so that the text is harmless inside HTML and JavaScript too. */
export function escapeHtmlInJson(json: string): string {
  return json.replace(SPECIAL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
