import assert from 'node:assert/strict'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, test } from 'node:test'
import { startOathkeeper } from '../support/oathkeeper.ts'

const CONFIG = {
  log: { format: 'json' },
  authenticators: { anonymous: { enabled: true } },
  authorizers: { allow: { enabled: true } },
  mutators: { noop: { enabled: true } },
}
const RULE = {
  id: 'all',
  match: { url: 'http://<.*>', methods: ['GET'] },
  authenticators: [{ handler: 'anonymous' }],
  authorizer: { handler: 'allow' },
  mutators: [{ handler: 'noop' }],
}

describe('profiling', { concurrency: 2 }, () => {
  for (const [kind, member] of [
    ['cpu', 'nodes'],
    ['mem', 'head'],
  ] as const) {
    test(`${kind} writes a profile at the end, for the operator’s eyes only, and says where`, async () => {
      const app = await startOathkeeper({ config: { ...CONFIG, profiling: kind }, rules: [RULE] })
      await fetch(`${app.apiUrl}/decisions/x`)
      assert.equal(await app.stop(), 0)
      const path = /"msg":"the profile is written".*?"path":"([^"]+)"/.exec(app.log())?.[1]
      assert.ok(path, app.log())
      const profile = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
      assert.ok(member in profile)
      assert.equal(statSync(path).mode & 0o077, 0)
      rmSync(dirname(path), { recursive: true })
    })
  }
})
