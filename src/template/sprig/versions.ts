import { fn, type GoFunc } from '../values/func.ts'
import { STRING } from '../values/param.ts'
import { parseConstraint } from './version-constraint.ts'
import { parseVersion, versionPointer } from './version.ts'

/** Semantic versions. */
export const VERSIONS: Readonly<Record<string, GoFunc>> = {
  semver: fn([STRING], (text) => versionPointer(parseVersion(text))),
  semverCompare: fn([STRING, STRING], (constraint, version) => parseConstraint(constraint)(parseVersion(version))),
}
