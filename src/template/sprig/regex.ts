import { LRUCache } from 'lru-cache'
import { type Matcher, RE2JS } from 're2js'
import { stringSlice } from '../values/collection.ts'
import { costly, fn, type GoFunc } from '../values/func.ts'
import { checkItemCount, checkTextLength } from '../values/limits.ts'
import { INT, STRING } from '../values/param.ts'
import { GoSlice, type Value } from '../values/value.ts'

/** Patterns are nearly always constants of a template, so compiled ones are kept. */
const compiled = new LRUCache<string, RE2JS>({ max: 200 })

const findAll = onText(fn([STRING, STRING, INT], (pattern, text, count) => found(pattern, text, Number(count))))
const find = onText(fn([STRING, STRING], (pattern, text) => found(pattern, text, 1).items[0] ?? ''))
const replaceAll = onText(
  fn([STRING, STRING, STRING], (pattern, text, by) => replace(pattern, text, (matcher) => expand(by, matcher))),
)
const replaceAllLiteral = onText(fn([STRING, STRING, STRING], (pattern, text, by) => replace(pattern, text, () => by)))
const split = onText(fn([STRING, STRING, INT], (pattern, text, count) => splitBy(pattern, text, Number(count))))

/** Regular expressions of RE2, which take linear time whatever the pattern and the text. */
export const REGEX: Readonly<Record<string, GoFunc>> = {
  mustRegexFind: find,
  mustRegexFindAll: findAll,
  mustRegexMatch: onText(fn([STRING, STRING], (pattern, text) => compile(pattern).test(text))),
  mustRegexReplaceAll: replaceAll,
  mustRegexReplaceAllLiteral: replaceAllLiteral,
  mustRegexSplit: split,
  regexFind: find,
  regexFindAll: findAll,
  regexMatch: onText(fn([STRING, STRING], isMatch)),
  regexQuoteMeta: fn([STRING], (text) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
  regexReplaceAll: replaceAll,
  regexReplaceAllLiteral: replaceAllLiteral,
  regexSplit: split,
}

/** A matcher in JavaScript takes about a microsecond for each character and eight of the pattern. */
function onText(func: GoFunc): GoFunc {
  return costly(func, ([pattern, text]) => {
    if (typeof pattern !== 'string' || typeof text !== 'string') return 0
    return text.length * (4 + (pattern.length >> 3))
  })
}

function compile(pattern: string): RE2JS {
  let regex = compiled.get(pattern)
  if (regex === undefined) {
    regex = RE2JS.compile(pattern)
    compiled.set(pattern, regex)
  }
  return regex
}

function isMatch(pattern: string, text: string): boolean {
  try {
    return compile(pattern).test(text)
  } catch {
    return false
  }
}

/** Goes through the matches as Go does: an empty one right after another match does not count. */
function* matches(pattern: string, text: string): Iterable<Matcher> {
  const matcher = compile(pattern).matcher(text)
  let at = 0
  let previousEnd = -1
  while (at <= text.length && matcher.find(at)) {
    const start = matcher.start()
    const end = matcher.end()
    const isAbutting = end === start && start === previousEnd
    previousEnd = end
    if (end > at) at = end
    else at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
    if (!isAbutting) yield matcher
  }
}

function found(pattern: string, text: string, count: number): GoSlice {
  const all: string[] = []
  if (count !== 0) {
    for (const matcher of matches(pattern, text)) {
      all.push(matcher.group() ?? '')
      checkItemCount(all.length)
      if (all.length === count) break
    }
  } else compile(pattern)
  return all.length === 0 ? new GoSlice('string', [], true) : stringSlice(all)
}

function replace(pattern: string, text: string, by: (matcher: Matcher) => string): string {
  let out = ''
  let last = 0
  for (const matcher of matches(pattern, text)) {
    out += text.slice(last, matcher.start()) + by(matcher)
    checkTextLength(out.length)
    last = matcher.end()
  }
  return out + text.slice(last)
}

/** `$1`, `$name`, `${1}`, `${name}` and `$$`; a name is as long as it can be. */
function expand(template: string, matcher: Matcher): string {
  return template.replace(/\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (_, dollar, braced, bare) => {
    if (dollar !== undefined) return '$'
    const name: string = braced ?? bare
    if (!/^[0-9]+$/.test(name)) return Object.hasOwn(matcher.namedGroups, name) ? (matcher.group(name) ?? '') : ''
    // A number with a leading zero names no group.
    const index = name.length > 1 && name.startsWith('0') ? -1 : Number(name)
    return index < 0 || index > matcher.groupCount() ? '' : (matcher.group(index) ?? '')
  })
}

function splitBy(pattern: string, text: string, count: number): Value {
  const regex = compile(pattern)
  if (count === 0) return new GoSlice('string', [], true)
  if (regex.pattern() !== '' && text === '') return stringSlice([''])
  const parts: string[] = []
  let start = 0
  let last = 0
  for (const matcher of matches(pattern, text)) {
    if (count > 0 && parts.length === count - 1) break
    last = matcher.start()
    if (matcher.end() !== 0) parts.push(text.slice(start, last))
    checkItemCount(parts.length)
    start = matcher.end()
  }
  if (last !== text.length) parts.push(text.slice(start))
  return stringSlice(parts)
}
