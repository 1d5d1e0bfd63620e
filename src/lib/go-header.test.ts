import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalHeaderName } from './go-header.ts'

test('header names are spelled as Go spells them', () => {
  const cases: [given: string, canonical: string][] = [
    ['x-user-id', 'X-User-Id'],
    ['X-USER-ID', 'X-User-Id'],
    ['X-User-Id', 'X-User-Id'],
    ['IG_SESSION_ID', 'Ig_session_id'],
    ['x.User', 'X.user'],
    ['x--a', 'X--A'],
    ['-a', '-A'],
    ['X-2fa-A1b', 'X-2fa-A1b'],
    ['x 1', 'x 1'],
    ['é', 'é'],
    ['', ''],
  ]
  for (const [given, canonical] of cases) assert.equal(canonicalHeaderName(given), canonical)
})
