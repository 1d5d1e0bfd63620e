/** Text that is HTML already. */
export interface Html {
  readonly html: string
}

/** Builds HTML; whatever is put in is escaped, unless it is HTML itself. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Html | readonly Html[])[]): Html {
  let out = parts[0] ?? ''
  for (const [index, value] of values.entries()) out += toHtml(value) + (parts[index + 1] ?? '')
  return { html: out }
}

function toHtml(value: string | Html | readonly Html[]): string {
  if (typeof value === 'string') return escapeHtml(value)
  return 'html' in value ? value.html : value.map((part) => part.html).join('')
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? '')
}
