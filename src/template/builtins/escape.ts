import { runeOf } from '../../lib/go-string.ts'
import { sprint } from '../format/printer.ts'
import { isPrintable } from '../format/quote.ts'
import { escapePart } from '../url/escape.ts'
import { type GoFunc, variadic } from '../values/func.ts'
import { ANY } from '../values/param.ts'
import { GoStruct, type Value } from '../values/value.ts'

/** `html js urlquery`: their arguments printed together, and escaped. */
export const ESCAPES: Readonly<Record<string, GoFunc>> = {
  html: variadic([], ANY, (args) => escapeHtml(printed(args))),
  js: variadic([], ANY, (args) => escapeJs(printed(args))),
  urlquery: variadic([], ANY, (args) => escapePart(printed(args), 'query')),
}

const HTML: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
}
const JS: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (char) => HTML[char] ?? char)
}

function escapeJs(text: string): string {
  return text.replace(/[\0-\x1f\\'"<>&=]|[^\0-\x7f]/gu, (char) => {
    const known = JS[char]
    if (known !== undefined) return known
    const rune = runeOf(char)
    if (rune >= 0x80 && isPrintable(String.fromCodePoint(rune))) return char
    return `\\u${rune.toString(16).toUpperCase().padStart(4, '0')}`
  })
}

/** The arguments as `print` would write them, pointers as what they point to. */
function printed(args: readonly Value[]): string {
  const [only] = args
  if (args.length === 1 && typeof only === 'string') return only
  return sprint(
    args.map((arg) => {
      if (arg === null) return '<no value>'
      if (!(arg instanceof GoStruct) || !arg.isPointer || arg.self === null) return arg
      return arg.type.string === undefined ? new GoStruct(arg.type, false, arg.self) : arg
    }),
  )
}
