import { type Budget, EvaluationError } from '../budget.ts'
import { splitAtDelimiters } from '../delimiters.ts'
import { type RegexpTree } from './ast.ts'
import { countWays } from './cost.ts'
import { Machine } from './machine.ts'
import { toJavaScript } from './native.ts'
import { parseRegexp } from './parse.ts'
import { assemble } from './program.ts'
import { type Text } from './text.ts'

/** Gives what the groups captured, `''` for one that took no part, or `undefined` where the target does not match. */
export type RegexpMatch = (target: string, budget: Budget) => readonly string[] | undefined

/**
 * Compiles a rule's URL for the `regexp` strategy: what is outside `<…>` is literal, each `<…>` is a capturing group,
 * and the whole target must fit.
 * The function given throws an EvaluationError when a target takes more steps than the budget has.
 * @throws {PatternError} for what cannot be read
 */
export function compileRegexp(url: string): RegexpMatch {
  return matchTree(parseUrl(url))
}

/** @throws {PatternError} also for a part that is not complete in itself, such as the `(a` of `<(a><b)>` */
export function parseUrl(url: string): RegexpTree {
  let pattern = '^'
  for (const { kind, text } of splitAtDelimiters(url)) {
    if (kind === 'literal') {
      pattern += text.replace(SPECIALS, '\\$&')
      continue
    }
    parseRegexp(`^${text}$`)
    pattern += `(${text})`
  }
  return parseRegexp(`${pattern}$`)
}

/**
 * The engine of JavaScript runs what it does in the same way and in bounded time: ASCII targets, up to a length that
 * depends on the pattern. The {@link Machine} runs the rest, and all patterns could be left to it.
 */
function matchTree(tree: RegexpTree): RegexpMatch {
  const slow = matchByMachine(tree)
  const native = matchByJavaScript(tree)
  if (native === undefined) return slow
  const { match, longest } = native
  return (target, budget) =>
    target.length > longest || NON_ASCII.test(target) ? slow(target, budget) : match(target, budget)
}

/** @returns how to match ASCII targets of limited length; nothing where even short ones could take too long */
export function matchByJavaScript(
  tree: RegexpTree,
): { readonly match: RegexpMatch; readonly longest: number } | undefined {
  const { factor, degree } = countWays(tree.root)
  const longest = Math.floor((NATIVE_STEPS / factor) ** (1 / (degree + 1)))
  const written = longest < SHORTEST_WORTHWHILE ? undefined : toJavaScript(tree.root)
  if (written === undefined) return undefined
  const { source, slots } = written
  const pattern = compileJavaScript(source)
  if (pattern === undefined) return undefined
  const noGroups: readonly string[] = Array.from({ length: tree.groupCount }, () => '')
  return {
    longest,
    match(target) {
      const found = pattern.exec(target)
      if (found === null) return undefined
      const groups = noGroups.slice()
      for (let i = 0; i < slots.length; i++) groups[(slots[i] as number) - 1] = found[i + 1] ?? ''
      return groups
    },
  }
}

/** @returns nothing for a pattern that is larger than the engine takes */
function compileJavaScript(source: string): RegExp | undefined {
  try {
    const pattern = new RegExp(source)
    // What is too large is only found out when it runs.
    if (source.length > LARGE_SOURCE) pattern.test('')
    return pattern
  } catch {
    return undefined
  }
}

export function matchByMachine(tree: RegexpTree, rememberFrom?: number): RegexpMatch {
  let machine: Machine | undefined
  return (target, budget) => {
    machine ??= new Machine(assemble(tree), rememberFrom)
    const text = { runes, length: readRunes(target) }
    const found = machine.match(text, budget)
    return found && groupsOf(target, found, text)
  }
}

/** One or two milliseconds. */
const NATIVE_STEPS = 500_000
/** More than a request's headers may have. */
const LONGEST_TARGET = 65_536
const SHORTEST_WORTHWHILE = 32
const LARGE_SOURCE = 1000
const NON_ASCII = /[^\x00-\x7f]/
/** Where the runes of the target being matched are: one after the other, never two at a time. */
const runes = new Int32Array(LONGEST_TARGET)

/** @returns how many there are */
function readRunes(target: string): number {
  if (target.length > LONGEST_TARGET)
    throw new EvaluationError(`the target is longer than ${LONGEST_TARGET} characters`)
  let length = 0
  for (let i = 0; i < target.length; i++) {
    const rune = target.codePointAt(i) as number
    if (rune > 0xffff) i++
    runes[length++] = rune
  }
  return length
}

function groupsOf(target: string, found: Int32Array, text: Text): string[] {
  const isAligned = text.length === target.length
  const groups: string[] = []
  for (let i = 0; i < found.length; i += 2) {
    const begin = found[i] as number
    const end = found[i + 1] as number
    if (begin < 0) groups.push('')
    else groups.push(isAligned ? target.slice(begin, end) : String.fromCodePoint(...text.runes.subarray(begin, end)))
  }
  return groups
}

const SPECIALS = /[\\.+*?()|[\]{}^$]/g
