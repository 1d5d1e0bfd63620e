import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { callbackUrl, type LoginRigOptions, startLogin } from '../../test/support/login-rig.ts'
import { type MockProviderOptions, startMockProvider } from '../../test/support/mock-provider.ts'
import { Visitor } from '../../test/support/visitor.ts'
import { formEncode } from './token-request.ts'

async function start(t: TestContext, options: LoginRigOptions = {}, mock: MockProviderOptions = {}) {
  const provider = await startMockProvider(t, mock)
  const rig = await startLogin(t, [provider], options)
  const visitor = new Visitor()
  const finish = async () => visitor.go(await callbackUrl(visitor, rig))
  return { provider, rig, visitor, finish }
}

const formDecode = (text: string) => new URLSearchParams(`x=${text}`).get('x')

for (const text of ['p:%+ &é', 'a b', ':', '%41', '名前', '', '~!*()\'"\\']) {
  test(`A-20: ${JSON.stringify(text)} is form-encoded so that it decodes to itself`, () => {
    assert.match(formEncode(text), /^[A-Za-z0-9%+*._-]*$/)
    assert.equal(formDecode(formEncode(text)), text)
  })
}

test('A-19: A-20: client_secret_basic: the secret is in the header, encoded, and nowhere else', async (t) => {
  const secret = { clientId: 'id:1 é', clientSecret: 'p:%+ &é' }
  const { provider, finish } = await start(t, {}, secret)
  assert.equal((await finish()).status, 302)
  const [request] = provider.asked('/token')
  const [id, password] = Buffer.from(request!.headers.authorization!.slice('Basic '.length), 'base64')
    .toString()
    .split(':')
  assert.deepEqual([formDecode(id!), formDecode(password!)], [secret.clientId, secret.clientSecret])
  assert.deepEqual([...request!.form.keys()], ['grant_type', 'code', 'redirect_uri', 'code_verifier'])
  assert.equal(request!.query.size, 0)
  assert.equal(request!.headers['content-type'], 'application/x-www-form-urlencoded')
})

test('A-19: client_secret_post: the secret is in the body and nowhere else', async (t) => {
  const { provider, finish } = await start(t, { provider: { authMethod: 'client_secret_post' } })
  assert.equal((await finish()).status, 302)
  const [request] = provider.asked('/token')
  assert.equal(request!.headers.authorization, undefined)
  assert.deepEqual(
    [request!.form.get('client_id'), request!.form.get('client_secret')],
    ['client', provider.clientSecret],
  )
  assert.equal(request!.query.size, 0)
})

test('A-19: a public client proves nothing and says who it is', async (t) => {
  const { provider, finish } = await start(t, { provider: { clientSecret: undefined } })
  assert.equal((await finish()).status, 302)
  const [request] = provider.asked('/token')
  assert.equal(request!.headers.authorization, undefined)
  assert.deepEqual([request!.form.get('client_id'), request!.form.has('client_secret')], ['client', false])
})

const unusable: Record<string, (body: Record<string, unknown>) => unknown> = {
  'no access token': (body) => ({ ...body, access_token: undefined }),
  'an access token that is a list': (body) => ({ ...body, access_token: ['x'] }),
  'a token of another type': (body) => ({ ...body, token_type: 'DPoP' }),
  'no type': (body) => ({ ...body, token_type: undefined }),
  'no ID token': (body) => ({ ...body, id_token: undefined }),
  'an ID token that is an object': (body) => ({ ...body, id_token: {} }),
  'a refresh token that is a number': (body) => ({ ...body, refresh_token: 1 }),
  'a list': (body) => [body],
  'a key named __proto__': (body) => JSON.stringify(body).replace('{', '{"__proto__":{"admin":true},'),
}
for (const [name, token] of Object.entries(unusable)) {
  test(`an answer with ${name} is a page, and no session`, async (t) => {
    const { provider, rig, finish } = await start(t)
    provider.switches.token = token
    assert.equal((await finish()).status, 502)
    assert.equal(rig.store.sizes.sessions, 0)
  })
}

test('what is no lifetime counts as not said, a number in a text counts', async (t) => {
  for (const [expiresIn, lifetime] of [
    [300, 300_000],
    ['300', 300_000],
    [12.7, 12_000],
    [-1, undefined],
    ['soon', undefined],
    [1e300, undefined],
    [null, undefined],
    [Number.MAX_SAFE_INTEGER, undefined],
  ] as const) {
    const { provider, rig, finish, visitor } = await start(t)
    provider.switches.token = (body) => ({ ...body, token_type: 'bEARER', expires_in: expiresIn })
    await finish()
    const session = await rig.login.reader.open(visitor.cookie('127.0.0.1', 'oathkeeper')!)
    const expected = lifetime === undefined ? undefined : rig.clock.now() + lifetime
    assert.equal(session?.tokens.accessTokenExpiresAt, expected, String(expiresIn))
  }
})

for (const [error, status] of [
  ['invalid_grant', 400],
  ['invalid_client', 502],
  ['unauthorized_client', 502],
  ['<script>', 502],
] as const) {
  test(`the token endpoint's ${error} is a page, its description is nowhere`, async (t) => {
    const { provider, rig, finish } = await start(t)
    provider.switches.tokenStatus = 400
    provider.switches.token = () => ({ error, error_description: 'the code SECRET-1 is bad' })
    const answer = await finish()
    assert.equal(answer.status, status)
    assert.doesNotMatch(answer.text + JSON.stringify(rig.log), /SECRET-1|<script/)
    assert.equal(provider.asked('/token').length, 1)
  })
}
