import { fn, type GoFunc } from '../values/func.ts'
import { checkTextLength } from '../values/limits.ts'
import { INT, STRING } from '../values/param.ts'
import { fromBinary, toBinary } from '../values/text.ts'

/** Breaking lines at a width in bytes. */
export const WRAP: Readonly<Record<string, GoFunc>> = {
  wrap: fn([INT, STRING], (width, text) => wrap(text, Number(width), '\n', false)),
  wrapWith: fn([INT, STRING, STRING], (width, separator, text) => wrap(text, Number(width), separator || '\n', true)),
}

function wrap(text: string, wanted: number, separator: string, cutsWords: boolean): string {
  const bytes = toBinary(text)
  const newline = toBinary(separator)
  const width = Math.max(wanted, 1)
  const lines: string[] = []
  let at = 0
  while (bytes.length - at > width) {
    if (bytes[at] === ' ') {
      at++
      continue
    }
    const line = bytes.slice(at, at + width + 1)
    const space = line.lastIndexOf(' ')
    if (space >= 0) {
      lines.push(line.slice(0, space))
      at += space + 1
    } else if (cutsWords) {
      lines.push(bytes.slice(at, at + width))
      at += width
    } else {
      const next = bytes.indexOf(' ', at + width)
      if (next < 0) break
      lines.push(bytes.slice(at, next))
      at = next + 1
    }
  }
  lines.push(bytes.slice(at))
  checkTextLength(bytes.length + lines.length * newline.length)
  return fromBinary(lines.join(newline))
}
