import { type AssertionType, type GroupNumbers, type RegexpNode } from './ast.ts'
import { CATEGORY_OF, scanProperty } from './brackets.ts'
import { CharSet } from './char-set.ts'
import { type Scanner, isDigit, isWordChar } from './scanner.ts'
import { toLowerRune } from './unicode.ts'

/**
 * Reads what follows a `\` outside of a character class.
 * @param groups those that a back-reference may name; `undefined` while they are still being counted
 */
export function scanEscape(scanner: Scanner, groups: GroupNumbers | undefined): RegexpNode {
  const char = scanner.peek()
  if (char === '') throw scanner.error('illegal \\ at the end')
  const assertion = ASSERTIONS[char]
  if (assertion !== undefined) {
    scanner.at++
    return { kind: 'assertion', type: assertion }
  }
  if ('dDsSwW'.includes(char)) {
    scanner.at++
    return setNode(scanner, classOf(char))
  }
  if (char === 'p' || char === 'P') {
    scanner.at++
    const set = new CharSet()
    set.addProperty(scanProperty(scanner), char === 'P', scanner.options.ignoreCase)
    if (scanner.options.ignoreCase) set.addLowerCase()
    return setNode(scanner, set)
  }
  return scanReference(scanner, groups) ?? charNode(scanner, scanner.scanCharEscape())
}

export function charNode(scanner: Scanner, rune: number): RegexpNode {
  return setNode(scanner, CharSet.of(scanner.options.ignoreCase ? toLowerRune(rune) : rune))
}

export function setNode(scanner: Scanner, set: CharSet): RegexpNode {
  const { ignoreCase, backward } = scanner.options
  return { kind: 'set', set, ignoreCase, backward }
}

/** `\w` and `\s` are negated as sets, `\D` as a category: it makes a difference where sets are joined. */
function classOf(char: string): CharSet {
  const name = CATEGORY_OF[char.toLowerCase()] ?? 'word'
  if (char === 'D') return CharSet.ofCategory(name, true)
  const set = CharSet.ofCategory(name, false)
  return char < 'a' ? set.negate() : set
}

/** `\1`, `\k<name>`, `\<name>`; `undefined`, with nothing read, for what is none. */
function scanReference(scanner: Scanner, groups: GroupNumbers | undefined): RegexpNode | undefined {
  const start = scanner.at
  let close = ''
  if (scanner.accept('k')) {
    close = closeOf(scanner.left > 0 ? scanner.next() : '')
    if (close === '' || scanner.left === 0) throw scanner.error('malformed \\k<…> named back reference')
  } else if (scanner.left > 1) {
    close = closeOf(scanner.peek())
    if (close !== '') scanner.at++
  }
  const char = scanner.peek()
  if (close !== '' && isDigit(char)) {
    const number = scanner.scanDecimal()
    if (scanner.accept(close)) return referenceTo(scanner, groups, number)
  } else if (close === '' && isDigit(char) && char !== '0') {
    const number = scanner.scanDecimal()
    if (groups === undefined) return { kind: 'empty' }
    if (groups.slots.has(number) || number <= 9) return referenceTo(scanner, groups, number)
  } else if (close !== '' && isWordChar(char)) {
    const name = scanner.scanName()
    if (scanner.accept(close)) return referenceTo(scanner, groups, groups?.names.get(name), name)
  }
  scanner.at = start
  return undefined
}

function referenceTo(
  scanner: Scanner,
  groups: GroupNumbers | undefined,
  number: number | undefined,
  name = String(number),
): RegexpNode {
  if (groups === undefined) return { kind: 'empty' }
  const slot = number === undefined ? undefined : groups.slots.get(number)
  if (slot === undefined) throw scanner.error(`reference to undefined group "${name}"`)
  const { ignoreCase, backward } = scanner.options
  return { kind: 'reference', slot, ignoreCase, backward }
}

function closeOf(open: string): string {
  if (open === '<') return '>'
  return open === "'" ? "'" : ''
}

/** A target is looked at from its beginning, where `\G` therefore is. */
const ASSERTIONS: Readonly<Record<string, AssertionType>> = Object.assign(Object.create(null), {
  b: 'wordBoundary',
  B: 'notWordBoundary',
  A: 'begin',
  G: 'begin',
  Z: 'endOrNewline',
  z: 'end',
})
