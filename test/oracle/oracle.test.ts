import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CASE_FILES, hasOracle, replay } from '../../scripts/oracle.ts'

const skip = hasOracle() ? false : 'the recorded cases are not beside this checkout (../shared/oracle)'

for (const cases of CASE_FILES) {
  test(`answers the recorded cases of ${cases} as Ory Oathkeeper did`, { skip }, async (t) => {
    const { passed, deviating, skipped, problems } = await replay(cases)
    t.diagnostic(
      `${cases}: ${passed} cases passed, ${deviating} deviate for a listed reason, ${skipped} are left out by the recording`,
    )
    assert.equal(problems.length, 0, `${problems.length} cases differ:\n${problems.slice(0, 40).join('\n')}`)
    assert.ok(passed > 0, 'no case was replayed')
  })
}
