// Auth.js GHSA-xmf8-cvqr-rfgj; authentik CVE-2026-25748; mod_auth_openidc CVE-2023-28625: malformed cookies and
// percent signs that crashed the process, or let a request through.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startLogin } from '../support/login-rig.ts'
import { startMockProvider } from '../support/mock-provider.ts'
import { Visitor } from '../support/visitor.ts'

const VALUES = ['%', '%E0%A4%A', '%00', '"', '"a', 'a"b', '', '=', '==', 'v1.', 'v1.%41', '{}', 'null', 'undefined']

test('V-037: V-071: V-082: a malformed session cookie is no session, and breaks nothing', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  for (const value of [...VALUES, 'x'.repeat(8000), `v1.${'A'.repeat(43)}`, `v1.${'A'.repeat(44)}`, '\u00ff\u00fe']) {
    for (const cookie of [`oathkeeper=${value}`, `; oathkeeper=${value};`, `oathkeeper =${value}`, value]) {
      assert.equal((await new Visitor().go(rig.url('/.oathkeeper/session'), { headers: { cookie } })).status, 401)
    }
  }
})

test('V-071: malformed percent signs are a page on every route', async (t) => {
  const rig = await startLogin(t, [await startMockProvider(t)])
  for (const path of ['login?return_to=%', 'login?%=x', 'callback?code=%E0%A4%A&state=%', 'callback?%zz']) {
    assert.equal((await new Visitor().go(rig.url(`/.oathkeeper/${path}`))).status, 400)
  }
  assert.equal((await new Visitor().go(rig.url('/.oathkeeper/signed-out?state=%'))).status, 200)
})
