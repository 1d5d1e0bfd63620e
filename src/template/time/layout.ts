/** A part of a layout: text, or an element such as `2006` or `.000`. */
export interface LayoutPart {
  readonly text: string
  readonly isElement: boolean
}

/** The elements of a Go layout in the order in which they are looked for. */
const ELEMENT = new RegExp(
  [
    'January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST',
    '0[1-6]|002|15|1|2006|2|_2(?!006)|__2|3|4|5|PM|pm',
    '-070000|-07:00:00|-0700|-07:00|-07',
    'Z070000|Z07:00:00|Z0700|Z07:00|Z07',
    '[.,](?:0+|9+)(?![0-9])',
  ].join('|'),
  'g',
)

/** Takes a layout apart. Text and elements need not take turns. */
export function splitLayout(layout: string): LayoutPart[] {
  const parts: LayoutPart[] = []
  let at = 0
  for (const found of layout.matchAll(ELEMENT)) {
    if (found.index > at) parts.push({ text: layout.slice(at, found.index), isElement: false })
    parts.push({ text: found[0], isElement: true })
    at = found.index + found[0].length
  }
  if (at < layout.length) parts.push({ text: layout.slice(at), isElement: false })
  return parts
}

export function isFraction(element: string): boolean {
  return element.startsWith('.') || element.startsWith(',')
}
