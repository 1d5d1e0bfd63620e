import { comparePrereleases, compareVersions, parseVersion, type Version } from './version.ts'

/** Whether a version satisfies a constraint. */
export type VersionConstraint = (version: Version) => boolean

const OPERATOR = '(=||!=|>|<|>=|=>|<=|=<|~|~>|\\^)'
const IDENTIFIERS = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const PATTERN = `v?[0-9|xX*]+(?:\\.[0-9|xX*]+)?(?:\\.[0-9|xX*]+)?(?:-${IDENTIFIERS})?(?:\\+${IDENTIFIERS})?`
const SINGLE = new RegExp(`^\\s*${OPERATOR}\\s*(${PATTERN})\\s*$`)
const PARTS = new RegExp(`^v?([0-9|xX*]+)(\\.[0-9|xX*]+)?(\\.[0-9|xX*]+)?(-${IDENTIFIERS})?(?:\\+${IDENTIFIERS})?$`)
const RANGE = new RegExp(`\\s*(${PATTERN})\\s+-\\s+(${PATTERN})\\s*`, 'g')
const EACH = new RegExp(`(?:=||!=|>|<|>=|=>|<=|=<|~|~>|\\^)\\s*(?:${PATTERN})`, 'g')
const WHOLE = new RegExp(`^(\\s*${OPERATOR}\\s*(?:${PATTERN})\\s*)((?:\\s+|,\\s*)${OPERATOR}\\s*(?:${PATTERN})\\s*)*$`)

const MAX_LENGTH = 1000

interface Constraint {
  readonly operator: string
  readonly version: Version
  /** A number was left out or is an `x`. */
  readonly isOpen: boolean
  readonly isMinorOpen: boolean
  readonly isPatchOpen: boolean
}

/**
 * Reads constraints such as `>= 1.2, < 3 || ^0.3`.
 * @throws {Error}
 */
export function parseConstraint(text: string): VersionConstraint {
  // A longer one is no constraint, but time for the patterns below.
  if (text.length > MAX_LENGTH) throw new Error('improper constraint')
  const rewritten = text.replace(RANGE, '>= $1, <= $2 ')
  const alternatives = rewritten.split('||').map((part) => {
    if (!WHOLE.test(part)) throw new Error('improper constraint')
    const all = (part.match(EACH) ?? [part]).map(single)
    return { all, withPrereleases: all.some(({ version }) => version.prerelease !== '') }
  })
  return (version) =>
    alternatives.some(
      ({ all, withPrereleases }) =>
        (version.prerelease === '' || withPrereleases) && all.every((constraint) => satisfies(version, constraint)),
    )
}

function single(text: string): Constraint {
  const [, operator, pattern] = SINGLE.exec(text) ?? []
  const [, major, minor = '', patch = '', prerelease = ''] = PARTS.exec(pattern ?? '') ?? []
  if (operator === undefined || major === undefined) throw new Error('improper constraint')
  const open = { operator, isOpen: true, isMinorOpen: false, isPatchOpen: false }
  if (isAnything(major)) return { ...open, version: numbers(`0.0.0${prerelease}`) }
  if (isAnything(minor)) return { ...open, isMinorOpen: true, version: numbers(`${major}.0.0${prerelease}`) }
  if (isAnything(patch)) return { ...open, isPatchOpen: true, version: numbers(`${major}${minor}.0${prerelease}`) }
  return { ...open, isOpen: false, version: numbers(pattern ?? '') }
}

function numbers(text: string): Version {
  try {
    return parseVersion(text)
  } catch {
    throw new Error('constraint parser error')
  }
}

function isAnything(segment: string): boolean {
  return ['', 'x', 'X', '*'].includes(segment.replace('.', ''))
}

function satisfies(version: Version, constraint: Constraint): boolean {
  const order = compareVersions(version, constraint.version)
  switch (constraint.operator) {
    case '':
    case '=':
      return constraint.isOpen ? isNear(version, constraint) : order === 0
    case '!=':
      return isDifferent(version, constraint)
    case '>':
      return isAbove(version, constraint)
    case '<':
      return order < 0
    case '>=':
    case '=>':
      return order >= 0
    case '<=':
    case '=<':
      return isAtMost(version, constraint)
    case '~':
    case '~>':
      return isNear(version, constraint)
    default:
      return isCompatible(version, constraint)
  }
}

function isDifferent(version: Version, constraint: Constraint): boolean {
  const { version: other, isOpen, isMinorOpen, isPatchOpen } = constraint
  if (isOpen) {
    if (other.major !== version.major) return true
    if (isMinorOpen) return false
    if (other.minor !== version.minor) return true
    if (isPatchOpen) return comparePrereleases(version.prerelease, other.prerelease) !== 0
    if (other.patch !== version.patch) return true
  }
  return compareVersions(version, other) !== 0
}

function isAbove(version: Version, constraint: Constraint): boolean {
  const { version: other, isOpen, isMinorOpen, isPatchOpen } = constraint
  if (isOpen) {
    if (version.major !== other.major) return version.major > other.major
    if (isMinorOpen) return false
    if (isPatchOpen) return version.minor > other.minor
  }
  return compareVersions(version, other) > 0
}

function isAtMost(version: Version, { version: other, isOpen, isMinorOpen }: Constraint): boolean {
  if (!isOpen) return compareVersions(version, other) <= 0
  if (version.major > other.major) return false
  return !(version.major === other.major && version.minor > other.minor && !isMinorOpen)
}

/** `~`: the last number given may grow. */
function isNear(version: Version, { version: other, isMinorOpen, isPatchOpen }: Constraint): boolean {
  if (compareVersions(version, other) < 0) return false
  const isAny = other.major === 0n && other.minor === 0n && other.patch === 0n && !isMinorOpen && !isPatchOpen
  if (isAny) return true
  return version.major === other.major && (version.minor === other.minor || isMinorOpen)
}

/** `^`: the first number that is not zero stays. */
function isCompatible(version: Version, { version: other, isMinorOpen, isPatchOpen }: Constraint): boolean {
  if (compareVersions(version, other) < 0) return false
  if (other.major > 0n || isMinorOpen) return version.major === other.major
  if (version.major > 0n) return false
  if (other.minor > 0n || isPatchOpen) return version.minor === other.minor
  return version.minor === 0n && version.patch === other.patch
}
