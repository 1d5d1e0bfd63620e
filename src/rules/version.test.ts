import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareVersions, parseVersion } from './version.ts'

/** In the order of their precedence. */
const VERSIONS = [
  '0.19.0-beta.1',
  'v0.32.0-alpha',
  '0.32.0-alpha.1',
  '0.32.0-alpha.beta',
  '0.32.0-beta',
  '0.32.0-beta.2',
  '0.32.0-beta.11',
  'v0.32.0+oryOS.12',
  '0.36.0',
  '0.100.0',
  'v26.2.0',
]

test('versions are ordered by precedence', () => {
  for (const [i, one] of VERSIONS.entries()) {
    for (const [j, two] of VERSIONS.entries()) {
      const [a, b] = [parseVersion(one), parseVersion(two)]
      assert.ok(a !== undefined && b !== undefined)
      assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${one} and ${two}`)
    }
  }
})

for (const text of [
  '',
  'v',
  '42',
  '1.2',
  '1.2.3.4',
  '01.2.3',
  '1.2.3-',
  '1.2.3-01',
  '1.2.3+',
  'vv1.2.3',
  'latest',
  ' 1.2.3',
]) {
  test(`${JSON.stringify(text)} is no version`, () => {
    assert.equal(parseVersion(text), undefined)
  })
}
