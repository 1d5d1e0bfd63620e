import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sessionDraft } from '../../test/support/session-draft.ts'
import { openedSession } from '../../test/support/sessions.ts'
import type { Session } from '../sessions/contract.ts'
import { createPrincipals, createSubjectReader } from './principal.ts'

const session = (changes: Partial<Session> = {}): Session => {
  const { address: _, userAgent: __, isRemembered: ___, ...draft } = sessionDraft()
  return { ...openedSession(), ...draft, expiresAt: 3_600_000, ...changes }
}

test('the claims are at top level, beside them what claims cannot overwrite', () => {
  const claims = {
    sub: 'alice',
    groups: ['a'],
    access_token: 'forged',
    id_token: 'forged',
    session: { provider: 'forged' },
  }
  const { subject, extra } = createPrincipals(createSubjectReader('sub'))(
    session({ claims, authTime: 1000, acr: 'gold', amr: ['pwd'] }),
  )
  assert.equal(subject, 'alice')
  assert.deepEqual(extra, {
    sub: 'alice',
    groups: ['a'],
    access_token: sessionDraft().tokens.accessToken,
    id_token: sessionDraft().tokens.idToken,
    session: {
      provider: 'demo',
      created_at: '1970-01-01T00:00:00.000Z',
      expires_at: '1970-01-01T01:00:00.000Z',
      auth_time: '1970-01-01T00:00:01.000Z',
      acr: 'gold',
      amr: ['pwd'],
    },
  })
})

test('one opened session has one principal', () => {
  const toPrincipal = createPrincipals(createSubjectReader('sub'))
  const one = session()
  assert.equal(toPrincipal(one), toPrincipal(one))
  assert.notEqual(toPrincipal(one), toPrincipal(session()))
})

const claims = {
  sub: 's',
  email: 'a@example.com',
  number: 7,
  address: { country: 'DE' },
  emails: [{ value: 'first' }],
  'https://app.example/role': 'keeper',
  empty: '',
  nothing: null,
  flag: true,
}
for (const [path, subject] of [
  ['sub', 's'],
  ['email', 'a@example.com'],
  ['number', '7'],
  ['address.country', 'DE'],
  ['emails.0.value', 'first'],
  ['https://app\\.example/role', 'keeper'],
  ['emails.#(value=="first").value', 'first'],
  ['address|country', 'DE'],
] as const) {
  test(`subject_from "${path}" reads "${subject}"`, () => assert.equal(createSubjectReader(path)(claims), subject))
}

for (const path of [
  'absent',
  'empty',
  'nothing',
  'flag',
  'address',
  'address.city',
  'sub.length',
  '__proto__',
  'constructor.name',
  'emails.length',
]) {
  test(`subject_from "${path}" is nobody`, () =>
    assert.throws(() => createSubjectReader(path)(claims), { code: 'ERR_CREDENTIALS_INVALID' }))
}
