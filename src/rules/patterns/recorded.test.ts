import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { cleanPath } from '../../lib/go-path.ts'
import { Budget } from './budget.ts'
import { compilePattern, type MatchingStrategy } from './compile.ts'

const CASES = resolve(
  process.env['ORACLE_DIR'] ?? resolve(import.meta.dirname, '../../../../shared/oracle'),
  'cases/patterns.json',
)
const skip = existsSync(CASES) ? false : 'the recorded cases are not beside this checkout'

interface Scenario {
  readonly name: string
  readonly config: { readonly access_rules: { readonly matching_strategy: MatchingStrategy } }
  readonly rules: readonly { readonly match: { readonly url: string } }[]
  readonly requests: readonly {
    readonly id: string
    readonly url: string
    readonly expect: { readonly status: number; readonly headers: readonly (readonly [string, string])[] }
  }[]
}

test('the recorded patterns of Oathkeeper match, and capture, as recorded', { skip }, () => {
  const { scenarios } = JSON.parse(readFileSync(CASES, 'utf8')) as { scenarios: Scenario[] }
  let count = 0
  for (const { config, rules, requests } of scenarios) {
    const patterns = rules.map(({ match }) => compilePattern(match.url, config.access_rules.matching_strategy))
    for (const { id, url, expect } of requests) {
      // The decision API of Oathkeeper takes the path as it is written, so nothing is decoded here.
      const [origin = '', path = ''] = url.replace(/[?#].*$/, '').split(/(?<=\/\/[^/]*)(?=\/)/)
      const target = origin + cleanPath(path)
      const found = patterns.map(({ match }) => match(target, new Budget())).filter((groups) => groups !== undefined)
      const recorded = expect.headers.find(([name]) => name === 'x-groups')?.[1]
      assert.equal(found.length, expect.status === 200 ? 1 : 0, `${id}: ${url}`)
      if (expect.status === 200) assert.equal(found[0]?.map((group) => `[${group}]`).join(''), recorded, id)
      count++
    }
  }
  assert.ok(count > 700)
})
