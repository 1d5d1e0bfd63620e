import { LRUCache } from 'lru-cache'
import { type Matcher, RE2JS } from 're2js'
import { stringSlice } from '../values/collection.ts'
import { fn, type GoFunc, type Meter, metered } from '../values/func.ts'
import { checkItemCount, checkTextLength } from '../values/limits.ts'
import { INT, STRING } from '../values/param.ts'
import { GoSlice, type Value } from '../values/value.ts'

/** Patterns are nearly always constants of a template, so compiled ones are kept. */
const compiled = new LRUCache<string, RE2JS>({ max: 200 })

const findAll = metered([STRING, STRING, INT], (meter, pattern, text, count) =>
  found(meter, pattern, text, Number(count)),
)
const find = metered([STRING, STRING], (meter, pattern, text) => found(meter, pattern, text, 1).items[0] ?? '')
const mustMatch = metered([STRING, STRING], isMatch)
const replaceAll = metered([STRING, STRING, STRING], (meter, pattern, text, by) =>
  replace(meter, pattern, text, (matcher) => expand(by, matcher)),
)
const replaceAllLiteral = metered([STRING, STRING, STRING], (meter, pattern, text, by) =>
  replace(meter, pattern, text, () => by),
)
const split = metered([STRING, STRING, INT], (meter, pattern, text, count) =>
  splitBy(meter, pattern, text, Number(count)),
)

/** Regular expressions of RE2, for which one search takes linear time whatever the pattern and the text. */
export const REGEX: Readonly<Record<string, GoFunc>> = {
  mustRegexFind: find,
  mustRegexFindAll: findAll,
  mustRegexMatch: mustMatch,
  mustRegexReplaceAll: replaceAll,
  mustRegexReplaceAllLiteral: replaceAllLiteral,
  mustRegexSplit: split,
  regexFind: find,
  regexFindAll: findAll,
  regexMatch: metered([STRING, STRING], (meter, pattern, text) => {
    try {
      return isMatch(meter, pattern, text)
    } catch (cause) {
      if (cause instanceof PatternError) return false
      throw cause
    }
  }),
  regexQuoteMeta: fn([STRING], (text) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
  regexReplaceAll: replaceAll,
  regexReplaceAllLiteral: replaceAllLiteral,
  regexSplit: split,
}

class PatternError extends Error {
  override readonly name = 'PatternError'
}

/** What a search in a text costs: it may look at every character with every instruction of the pattern. */
function searchCost(regex: RE2JS, length: number): number {
  return 1 + ((length * (1 + (regex.programSize() >> 4))) >> 3)
}

/** Twenty steps a character are what long lists of character classes take. */
function compile(meter: Meter, pattern: string): RE2JS {
  let regex = compiled.get(pattern)
  if (regex === undefined) {
    meter.spend(pattern.length * 20)
    regex = compileAnew(pattern)
    compiled.set(pattern, regex)
  }
  return regex
}

function compileAnew(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (cause) {
    // The library quotes the pattern, which may come from the session.
    const message = cause instanceof Error ? cause.message : 'error parsing regexp'
    throw new PatternError(message.replace(/: `.*$/s, ''), { cause })
  }
}

function isMatch(meter: Meter, pattern: string, text: string): boolean {
  const regex = compile(meter, pattern)
  meter.spend(searchCost(regex, text.length))
  return regex.test(text)
}

/** Goes through the matches as Go does: an empty one right after another match does not count. */
function* matches(meter: Meter, pattern: string, text: string): Iterable<Matcher> {
  const regex = compile(meter, pattern)
  const matcher = regex.matcher(text)
  let at = 0
  let previousEnd = -1
  while (at <= text.length) {
    meter.spend(searchCost(regex, text.length - at))
    if (!matcher.find(at)) return
    const start = matcher.start()
    const end = matcher.end()
    const isAbutting = end === start && start === previousEnd
    previousEnd = end
    if (end > at) at = end
    else at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
    if (!isAbutting) yield matcher
  }
}

function found(meter: Meter, pattern: string, text: string, count: number): GoSlice {
  const all: string[] = []
  if (count !== 0) {
    for (const matcher of matches(meter, pattern, text)) {
      all.push(matcher.group() ?? '')
      checkItemCount(all.length)
      if (all.length === count) break
    }
  } else compile(meter, pattern)
  return all.length === 0 ? new GoSlice('string', [], true) : stringSlice(all)
}

function replace(meter: Meter, pattern: string, text: string, by: (matcher: Matcher) => string): string {
  let out = ''
  let last = 0
  for (const matcher of matches(meter, pattern, text)) {
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

function splitBy(meter: Meter, pattern: string, text: string, count: number): Value {
  const regex = compile(meter, pattern)
  if (count === 0) return new GoSlice('string', [], true)
  if (regex.pattern() !== '' && text === '') return stringSlice([''])
  const parts: string[] = []
  let start = 0
  let last = 0
  for (const matcher of matches(meter, pattern, text)) {
    if (count > 0 && parts.length === count - 1) break
    last = matcher.start()
    if (matcher.end() !== 0) parts.push(text.slice(start, last))
    checkItemCount(parts.length)
    start = matcher.end()
  }
  if (last !== text.length) parts.push(text.slice(start))
  return stringSlice(parts)
}
