import { fn, methods } from '../values/func.ts'
import { type Param, STRING } from '../values/param.ts'
import { GoInt, GoStruct, type StructType, UINT64 } from '../values/value.ts'

/** A semantic version, or what can be read as one. */
export interface Version {
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  readonly prerelease: string
  readonly metadata: string
  readonly original: string
}

const IDENTIFIERS = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const VERSION = new RegExp(`^v?([0-9]+)(?:\\.([0-9]+))?(?:\\.([0-9]+))?(?:-(${IDENTIFIERS}))?(?:\\+(${IDENTIFIERS}))?$`)
const MAX_UINT64 = 2n ** 64n - 1n

/**
 * Reads a version; missing numbers are zero, leading zeros are dropped.
 * @throws {Error}
 */
export function parseVersion(text: string): Version {
  const [, major, minor = '0', patch = '0', prerelease = '', metadata = ''] = VERSION.exec(text) ?? []
  if (major === undefined) throw new Error('invalid semantic version')
  if (prerelease.split('.').some((part) => /^0[0-9]+$/.test(part))) {
    throw new Error('version segment starts with 0')
  }
  return {
    major: segment(major),
    minor: segment(minor),
    patch: segment(patch),
    prerelease,
    metadata,
    original: text,
  }
}

export function formatVersion({ major, minor, patch, prerelease, metadata }: Version): string {
  return `${major}.${minor}.${patch}${prerelease === '' ? '' : `-${prerelease}`}${metadata === '' ? '' : `+${metadata}`}`
}

/** Orders by number, then prerelease; metadata does not count. */
export function compareVersions(a: Version, b: Version): number {
  return (
    compare(a.major, b.major) ||
    compare(a.minor, b.minor) ||
    compare(a.patch, b.patch) ||
    comparePrereleases(a.prerelease, b.prerelease)
  )
}

/** A release is above its prereleases. */
export function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0
  if (a === '') return 1
  if (b === '') return -1
  const partsA = a.split('.')
  const partsB = b.split('.')
  for (let i = 0; i < Math.max(partsA.length, partsB.length); i++) {
    const order = compareParts(partsA[i] ?? '', partsB[i] ?? '')
    if (order !== 0) return order
  }
  return 0
}

/** A *semver.Version. */
export function versionPointer(version: Version): GoStruct {
  return new GoStruct(VERSION_TYPE, true, version)
}

const SELF: Param<GoStruct> = {
  name: '*semver.Version',
  literal: 'none',
  accepts: (v) => v instanceof GoStruct && v.type === VERSION_TYPE,
}

const VERSION_TYPE: StructType = {
  name: 'semver.Version',
  fields: [
    { name: 'major', get: (self) => new GoInt(versionOf(self).major, UINT64) },
    { name: 'minor', get: (self) => new GoInt(versionOf(self).minor, UINT64) },
    { name: 'patch', get: (self) => new GoInt(versionOf(self).patch, UINT64) },
    { name: 'pre', get: (self) => versionOf(self).prerelease },
    { name: 'metadata', get: (self) => versionOf(self).metadata },
    { name: 'original', get: (self) => versionOf(self).original },
  ],
  methods: methods({
    Compare: fn([SELF, SELF], (a, b) => BigInt(compareVersions(versionOf(a.self), versionOf(b.self)))),
    Equal: fn([SELF, SELF], (a, b) => compareVersions(versionOf(a.self), versionOf(b.self)) === 0),
    GreaterThan: fn([SELF, SELF], (a, b) => compareVersions(versionOf(a.self), versionOf(b.self)) > 0),
    GreaterThanEqual: fn([SELF, SELF], (a, b) => compareVersions(versionOf(a.self), versionOf(b.self)) >= 0),
    IncMajor: fn([SELF], ({ self }) => next(versionOf(self), (v) => ({ major: v.major + 1n, minor: 0n, patch: 0n }))),
    IncMinor: fn([SELF], ({ self }) => next(versionOf(self), (v) => ({ minor: v.minor + 1n, patch: 0n }))),
    IncPatch: fn([SELF], ({ self }) =>
      next(versionOf(self), (v) => (v.prerelease === '' ? { patch: v.patch + 1n } : {})),
    ),
    LessThan: fn([SELF, SELF], (a, b) => compareVersions(versionOf(a.self), versionOf(b.self)) < 0),
    LessThanEqual: fn([SELF, SELF], (a, b) => compareVersions(versionOf(a.self), versionOf(b.self)) <= 0),
    Major: fn([SELF], ({ self }) => new GoInt(versionOf(self).major, UINT64)),
    Metadata: fn([SELF], ({ self }) => versionOf(self).metadata),
    Minor: fn([SELF], ({ self }) => new GoInt(versionOf(self).minor, UINT64)),
    Original: fn([SELF], ({ self }) => versionOf(self).original),
    Patch: fn([SELF], ({ self }) => new GoInt(versionOf(self).patch, UINT64)),
    Prerelease: fn([SELF], ({ self }) => versionOf(self).prerelease),
    SetMetadata: fn([SELF, STRING], ({ self }, metadata) => changed(versionOf(self), { metadata })),
    SetPrerelease: fn([SELF, STRING], ({ self }, prerelease) => changed(versionOf(self), { prerelease })),
    String: fn([SELF], ({ self }) => formatVersion(versionOf(self))),
  }),
  pointerMethods: new Set([
    'Compare',
    'Equal',
    'GreaterThan',
    'GreaterThanEqual',
    'LessThan',
    'LessThanEqual',
    'Original',
  ]),
  string: (self) => formatVersion(versionOf(self)),
  json: (self) => formatVersion(versionOf(self)),
}

function versionOf(self: unknown): Version {
  return self as Version
}

function next(version: Version, change: (version: Version) => Partial<Version>): GoStruct {
  return changed(version, { prerelease: '', metadata: '', ...change(version) })
}

function changed(version: Version, change: Partial<Version>): GoStruct {
  const made = { ...version, ...change }
  const original = (version.original.startsWith('v') ? 'v' : '') + formatVersion(made)
  return new GoStruct(VERSION_TYPE, false, { ...parseVersion(formatVersion(made)), original })
}

function segment(digits: string): bigint {
  const significant = digits.replace(/^0+(?=.)/, '')
  const value = significant.length > 20 ? MAX_UINT64 + 1n : BigInt(significant)
  if (value <= MAX_UINT64) return value
  throw new Error('error parsing version segment: value out of range')
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Numbers by value and below texts, texts by their characters. */
function compareParts(a: string, b: string): number {
  if (a === b) return 0
  if (a === '') return -1
  if (b === '') return 1
  const isNumberA = isUint64(a)
  const isNumberB = isUint64(b)
  if (isNumberA && isNumberB) return BigInt(a) > BigInt(b) ? 1 : -1
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1
  return a > b ? 1 : -1
}

function isUint64(text: string): boolean {
  return /^[0-9]{1,20}$/.test(text) && BigInt(text) <= MAX_UINT64
}
