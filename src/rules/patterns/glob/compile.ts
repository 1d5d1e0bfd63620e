import { PatternError } from '../delimiters.ts'
import { PrefixAny, Contains, Prefix, PrefixSuffix, Suffix, SuffixAny } from './affixes.ts'
import { toBytes } from './bytes.ts'
import { liftCommonParts } from './common-parts.ts'
import { AnyOf, Around, EveryOf, Row } from './compounds.ts'
import { Any, Lacks, List, type Matcher, Max, Min, Nothing, Range, Single, Super, Text } from './matchers.ts'
import { type GlobNode } from './parse.ts'

/** What `*` and `?` do not cross. */
const SEPARATORS: readonly number[] = [0x2e, 0x2f]
/** Putting parts together takes time that grows with the cube of their number. */
const MAX_PARTS = 300

/** Puts the matchers of a glob together the way gobwas/glob does, for the order decides what a glob matches. */
export function compileNode(node: GlobNode): Matcher {
  switch (node.kind) {
    case 'alternatives': {
      const lifted = liftCommonParts(node.children)
      if (lifted !== undefined) return compileNode(lifted)
      return simplify(new AnyOf(node.children.map(compileNode)))
    }
    case 'sequence': {
      if (node.children.length === 0) return new Nothing()
      if (node.children.length > MAX_PARTS)
        throw new PatternError(`a glob may have ${MAX_PARTS} parts in a row at most`)
      return simplify(arrange(glueRuns(node.children.map(compileNode))))
    }
    case 'any':
      return new Any(SEPARATORS)
    case 'super':
      return new Super()
    case 'single':
      return new Single(SEPARATORS)
    case 'nothing':
      return new Nothing()
    case 'list':
      return simplify(new List(toBytes(node.chars), node.not))
    case 'range':
      return new Range(node.low, node.high, node.not)
    case 'text':
      return new Text(toBytes(node.text))
  }
}

/** Replaces a matcher by a plainer one that gives the same answers, or those that Oathkeeper gives. */
function simplify(matcher: Matcher): Matcher {
  if (matcher instanceof AnyOf) return matcher.matchers.length === 1 ? (matcher.matchers[0] ?? matcher) : matcher
  if (matcher instanceof List) {
    const [only] = matcher.chars
    if (matcher.not || matcher.chars.length !== 1 || only === undefined) return matcher
    return new Text(toBytes(String.fromCodePoint(only)))
  }
  return matcher instanceof Around ? simplifyAround(matcher) : matcher
}

function simplifyAround(around: Around): Matcher {
  const left = around.left && simplify(around.left)
  const right = around.right && simplify(around.right)
  if (!(around.value instanceof Text)) return new Around(around.value, left, right, around)
  const text = around.value.text
  if (left === undefined && right === undefined) return around.value
  if (left instanceof Super && right instanceof Super) return new Contains(text)
  if (left instanceof Super && right === undefined) return new Suffix(text)
  if (right instanceof Super && left === undefined) return new Prefix(text)
  if (left === undefined && right instanceof Suffix) return new PrefixSuffix(text, right.suffix)
  if (right === undefined && left instanceof Prefix) return new PrefixSuffix(left.prefix, text)
  if (right === undefined && left instanceof Any) return new SuffixAny(text, left.separators)
  if (left === undefined && right instanceof Any) return new PrefixAny(text, right.separators)
  return new Around(around.value, left, right, around)
}

/** Makes one matcher of a row: around the longest part of known size, or, where none is, around the first. */
function arrange(matchers: readonly Matcher[]): Matcher {
  const [first] = matchers
  if (first === undefined) throw new PatternError('a glob needs at least one part')
  if (matchers.length === 1) return first
  const glued = glue(matchers)
  if (glued !== undefined) return glued
  let at = -1
  let longest = -1
  for (const [i, { size }] of matchers.entries()) {
    if (size === -1 || size < longest) continue
    longest = size
    at = i
  }
  const value = matchers[at]
  if (value === undefined) return new Around(first, undefined, arrange(matchers.slice(1)))
  const left = at > 0 ? arrange(matchers.slice(0, at)) : undefined
  const right = at + 1 < matchers.length ? arrange(matchers.slice(at + 1)) : undefined
  return new Around(value, left, right)
}

/** Replaces runs of matchers that can be one by that one, the best run first, until none is left. */
function glueRuns(matchers: readonly Matcher[]): readonly Matcher[] {
  let best: GluedRun | undefined
  for (let from = 0; from < matchers.length; from++) {
    for (let to = lastGluable(matchers, from); to > from + 1; to--) {
      const glued = glue(matchers.slice(from, to))
      if (glued === undefined) continue
      const run = { glued, from, to }
      if (best === undefined || isBetter(run, best)) best = run
    }
  }
  if (best === undefined) return matchers
  return glueRuns([...matchers.slice(0, best.from), best.glued, ...matchers.slice(best.to)])
}

interface GluedRun {
  readonly glued: Matcher
  readonly from: number
  readonly to: number
}

function isBetter(run: GluedRun, best: GluedRun): boolean {
  if (best.glued.size > -1 && run.glued.size > best.glued.size) return true
  return best.to - best.from < run.to - run.from
}

/** Nothing that begins at `from` and goes beyond this can be glued. */
function lastGluable(matchers: readonly Matcher[], from: number): number {
  let sized = from
  while (sized < matchers.length && matchers[sized]?.size !== -1) sized++
  let wild = from
  while (wild < matchers.length && separatorsOf(matchers[wild]) !== undefined) wild++
  return Math.max(sized, wild)
}

function glue(matchers: readonly Matcher[]): Matcher | undefined {
  return glueWildcards(matchers) ?? glueSized(matchers)
}

function glueSized(matchers: readonly Matcher[]): Matcher | undefined {
  if (matchers.length < 2 || matchers.some(({ size }) => size === -1)) return undefined
  const size = matchers.reduce((sum, matcher) => sum + matcher.size, 0)
  return new Row(size, matchers)
}

function glueWildcards(matchers: readonly Matcher[]): Matcher | undefined {
  if (matchers.length < 2) return undefined
  const separators = separatorsOf(matchers[0])
  if (separators === undefined) return undefined
  const key = separators.join()
  if (matchers.some((matcher) => separatorsOf(matcher)?.join() !== key)) return undefined
  const hasAny = matchers.some(({ kind }) => kind === 'any')
  const hasSuper = matchers.some(({ kind }) => kind === 'super')
  const min = matchers.filter(({ size }) => size === 1).length
  if (hasSuper && !hasAny && min === 0) return new Super()
  if (hasAny && !hasSuper && min === 0) return new Any(separators)
  if ((hasAny || hasSuper) && min > 0 && separators.length === 0) return new Min(min)
  const every: Matcher[] = []
  if (min > 0) {
    every.push(new Min(min))
    if (!hasAny && !hasSuper) every.push(new Max(min))
  }
  if (separators.length > 0) every.push(new Lacks(toBytes(String.fromCodePoint(...separators))))
  return new EveryOf(every)
}

/** What a wildcard does not cross, where it can be glued to others with the same; `[!…]` counts as one such. */
function separatorsOf(matcher: Matcher | undefined): readonly number[] | undefined {
  if (matcher instanceof Super) return []
  if (matcher instanceof Any || matcher instanceof Single) return matcher.separators
  return matcher instanceof List && matcher.not ? matcher.chars : undefined
}
