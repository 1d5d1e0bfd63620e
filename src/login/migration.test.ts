import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestView } from '../../test/support/request-view.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { silentLogger } from '../kernel/logger.ts'
import type { ForkSession, TakeForkSession } from '../sessions/fork-session.ts'
import { createSessionManager } from '../sessions/manager.ts'
import { MemoryStore } from '../sessions/memory.ts'
import { createMigration, forgetForkCookies } from './migration.ts'
import { createSessionCookie } from './session-cookie.ts'

const ID = 'a'.repeat(32)
const HOUR = 3_600_000

const part = (claims: unknown): string => Buffer.from(JSON.stringify(claims)).toString('base64url')

function setUp(take?: TakeForkSession) {
  const clock = createTestClock(1_800_000_000_000)
  const store = new MemoryStore({ maxSessions: 10, maxStates: 10 }, clock)
  const sessions = createSessionManager({
    store,
    clock,
    logger: silentLogger,
    lifetimes: { lifetimeMs: 24 * HOUR, idleTimeoutMs: undefined },
    refresh: { refreshBeforeMs: 60_000, onRefreshFailure: 'keep' },
  })
  const old: ForkSession = {
    subject: 'ada',
    username: 'ada@example.com',
    accessToken: 'an.access.token',
    idToken: `x.${part({ iss: 'https://id.example' })}.y`,
    expiresAt: clock.now() + HOUR,
  }
  const left = new Map([[ID, old]])
  const taken: string[] = []
  const cookie = { name: 'IG_SESSION_ID', domain: undefined, path: '/', sameSite: 'lax', persistent: false } as const
  const migration = createMigration({
    take:
      take ??
      (async (id) => {
        taken.push(id)
        const found = left.get(id)
        left.delete(id)
        return found
      }),
    sessions,
    clock,
    cookieFor: () => createSessionCookie({ cookieName: cookie.name, cookie, secure: true }),
    forget: (cookies) => forgetForkCookies(cookies, cookie.name, true),
  })
  const bring = (value: string) => migration.migrate(requestView({ headers: [['Cookie', value]] }))
  return { clock, sessions, migration, bring, taken, old }
}

test('the session is ours from then on: its tokens, its end, a new ticket', async () => {
  const { sessions, bring, old, clock } = setUp()
  const moved = await bring(`IG_SESSION_ID=${ID}`)
  assert.equal(moved?.session.subject, 'ada')
  assert.equal(moved.session.issuer, 'https://id.example')
  assert.equal(moved.session.expiresAt, clock.now() + HOUR)
  assert.deepEqual(moved.session.claims, { sub: 'ada', username: 'ada@example.com' })
  assert.equal(moved.session.tokens.accessToken, old.accessToken)
  assert.equal(moved.session.tokens.idToken, old.idToken)
  const [setCookie = ''] = moved.setCookies
  assert.match(setCookie, /^IG_SESSION_ID=v1\.[\w-]{59}; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  assert.equal(
    (await sessions.open(setCookie.slice('IG_SESSION_ID='.length).split(';')[0] ?? ''))?.id,
    moved.session.id,
  )
  assert.equal(await bring(`IG_SESSION_ID=${ID}`), undefined)
})

test('whoever comes while it is moved gets the same one', async () => {
  const { bring, taken } = setUp()
  const moved = await Promise.all([bring(`IG_SESSION_ID=${ID}`), bring(`wso2_session_id=${ID}`)])
  assert.equal(new Set(moved.map((one) => one?.session.id)).size, 1)
  assert.equal(taken.length, 1)
})

test('a cookie of the other name is removed', async () => {
  const { bring } = setUp()
  const moved = await bring(`wso2_session_id=${ID}`)
  assert.deepEqual(moved?.setCookies[1], 'wso2_session_id=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0')
  assert.equal(moved.setCookies.length, 2)
})

test('E-10: what can be no id of the fork, or comes twice, is not asked for', () => {
  const { bring, taken } = setUp()
  for (const cookies of [
    '',
    'a=b',
    'IG_SESSION_ID=',
    `IG_SESSION_ID=${ID}0`,
    `IG_SESSION_ID=${ID.toUpperCase()}`,
    `IG_SESSION_ID=${ID}; IG_SESSION_ID=${ID}`,
  ]) {
    assert.equal(bring(cookies), undefined, cookies)
  }
  assert.deepEqual(taken, [])
})

test('a failure of the store is one', async () => {
  const { bring } = setUp(() => Promise.reject(new Error('down')))
  await assert.rejects(async () => bring(`IG_SESSION_ID=${ID}`), /down/)
})

test('a logout takes it out and has its ID token', async () => {
  const { migration, old, sessions } = setUp()
  assert.equal(await migration.end(`IG_SESSION_ID=${ID}`), old.idToken)
  assert.equal(await migration.end(`IG_SESSION_ID=${ID}`), undefined)
  assert.equal(await sessions.open(ID), undefined)
})
