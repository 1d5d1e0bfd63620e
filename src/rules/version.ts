/** A semantic version, without its build. */
export interface Version {
  readonly numbers: readonly [major: number, minor: number, patch: number]
  readonly preRelease: readonly string[]
}

const PATTERN =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

/**
 * Reads `v0.36.0-beta.1+build`, with or without the `v`; `undefined` for what is no semantic version.
 * @see [Semantic Versioning 2.0.0](https://semver.org/spec/v2.0.0.html)
 */
export function parseVersion(text: string): Version | undefined {
  const found = PATTERN.exec(text.replace(/^v/, ''))
  if (found === null) return undefined
  const [, major, minor, patch, preRelease] = found
  return { numbers: [Number(major), Number(minor), Number(patch)], preRelease: preRelease?.split('.') ?? [] }
}

/** Negative when `one` comes before `two`, 0 when they are of the same precedence. */
export function compareVersions(one: Version, two: Version): number {
  for (const [i, number] of one.numbers.entries()) {
    const difference = number - (two.numbers[i] ?? 0)
    if (difference !== 0) return difference
  }
  if (one.preRelease.length === 0 || two.preRelease.length === 0) return two.preRelease.length - one.preRelease.length
  for (const [i, part] of one.preRelease.entries()) {
    const difference = compareParts(part, two.preRelease[i])
    if (difference !== 0) return difference
  }
  return one.preRelease.length - two.preRelease.length
}

/** Numbers come before words; a version that has no further part comes before one that has. */
function compareParts(one: string, two: string | undefined): number {
  if (two === undefined) return 1
  const isNumber = [/^\d+$/.test(one), /^\d+$/.test(two)] as const
  if (isNumber[0] && isNumber[1]) return Number(one) - Number(two)
  if (isNumber[0] !== isNumber[1]) return isNumber[0] ? -1 : 1
  return one === two ? 0 : one < two ? -1 : 1
}
