import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type TestContext } from 'node:test'
import { CompactSign } from 'jose'
import { type LoginRig, type LoginRigOptions, startLogin } from './login-rig.ts'
import { type MockProvider, startMockProvider } from './mock-provider.ts'
import { createTestClock } from './test-clock.ts'
import { createUnreliableStore, type UnreliableStore } from './unreliable-store.ts'
import { type Answer, Visitor } from './visitor.ts'

export const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
export const FORM = 'application/x-www-form-urlencoded'

export interface Started {
  readonly rig: LoginRig
  readonly mock: MockProvider
  readonly store: UnreliableStore
  readonly clock: ReturnType<typeof createTestClock>
  /** What the provider would sign now, with changes; `undefined` takes a claim out. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  post(body: string, headers?: Record<string, string>, path?: string): Promise<Answer>
  tell(token: string): Promise<Answer>
  /** Somebody with a session whose `sid` is this. */
  logIn(sid?: string, sub?: string): Promise<Visitor>
}

export async function start(t: TestContext, options: LoginRigOptions = {}): Promise<Started> {
  const clock = createTestClock()
  const mock = await startMockProvider(t, { now: () => clock.now() })
  let store: UnreliableStore | undefined
  const rig = await startLogin(t, [mock], {
    clock,
    wrapStore: (inner) => (store = createUnreliableStore(inner)),
    ...options,
  })
  assert.ok(store !== undefined)
  let tokens = 0
  const post: Started['post'] = (body, headers = {}, path = '/.oathkeeper/backchannel-logout/demo') =>
    new Visitor().go(rig.url(path), { method: 'POST', body, headers: { 'content-type': FORM, ...headers } })
  return {
    rig,
    mock,
    store,
    clock,
    token(claims = {}, header = {}) {
      const now = Math.floor(clock.now() / 1000)
      const all = {
        iss: mock.issuer,
        aud: mock.clientId,
        iat: now,
        exp: now + 120,
        jti: `token-${tokens++}`,
        sid: 'one',
        events: { [EVENT]: {} },
        ...claims,
      }
      return new CompactSign(Buffer.from(JSON.stringify(all)))
        .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'logout+jwt', ...header })
        .sign(mock.keys.privateKey)
    },
    post,
    tell: (token) => post(new URLSearchParams({ logout_token: token }).toString()),
    async logIn(sid = 'one', sub = 'alice') {
      mock.sub = sub
      mock.switches.claims = (said) => ({ ...said, sid })
      const visitor = new Visitor()
      await visitor.follow(rig.url('/page'))
      assert.equal(await isIn({ rig }, visitor), true)
      return visitor
    },
  }
}

export async function isIn({ rig }: Pick<Started, 'rig'>, visitor: Visitor): Promise<boolean> {
  return (await visitor.go(rig.url('/page'))).status === 200
}

export function assertRefused(answer: Answer, status = 400): void {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const { error, error_description: description } = JSON.parse(answer.text)
  assert.equal(error, 'invalid_request')
  assert.equal(typeof description, 'string')
}

export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

export function hmac(key: string | Buffer, input: string): string {
  return createHmac('sha256', key).update(input).digest('base64url')
}
