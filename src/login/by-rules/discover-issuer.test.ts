import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startStub, testOutbound } from '../../../test/support/stub-service.ts'
import { discoverIssuer, issuerCandidates } from './discover-issuer.ts'

/** A host that has discovery documents at some paths. */
async function startHost(t: TestContext, issuers: (origin: string) => Readonly<Record<string, unknown>>) {
  const stub = await startStub(t, (request, response) => {
    const documents = issuers(stub.origin)
    const document = documents[(request.url ?? '').replace('/.well-known/openid-configuration', '')]
    response.writeHead(document === undefined ? 404 : 200, { 'Content-Type': 'application/json' })
    response.end(typeof document === 'string' ? document : JSON.stringify(document ?? {}))
  })
  return stub
}

const documentOf = (issuer: string, authorization: string, token: string) => ({
  issuer,
  authorization_endpoint: authorization,
  token_endpoint: token,
  jwks_uri: `${issuer}/jwks`,
})

test('it is looked for at the token endpoint and at every folder above the endpoints', () => {
  const candidates = issuerCandidates({
    authorizationUrl: 'https://id.example/realms/x/protocol/openid-connect/auth',
    tokenUrl: 'https://id.example/realms/x/protocol/openid-connect/token',
  })
  assert.deepEqual(candidates, [
    'https://id.example/realms/x/protocol/openid-connect/token',
    'https://id.example/realms/x/protocol/openid-connect',
    'https://id.example/realms/x/protocol',
    'https://id.example/realms/x',
    'https://id.example/realms',
    'https://id.example',
  ])
})

test('providers as they are: below the token endpoint, at a realm, at the origin with a slash', async (t) => {
  const cases: [issuer: string, path: string, auth: string, token: string][] = [
    ['/oauth2/token', '/oauth2/token', '/oauth2/authorize', '/oauth2/token'],
    ['/realms/x', '/realms/x', '/realms/x/protocol/openid-connect/auth', '/realms/x/protocol/openid-connect/token'],
    ['/', '', '/authorize', '/oauth/token'],
  ]
  for (const [issuer, path, auth, token] of cases) {
    const host = await startHost(t, (origin) => ({
      [path]: documentOf(origin + issuer, origin + auth, origin + token),
    }))
    const endpoints = { authorizationUrl: host.origin + auth, tokenUrl: host.origin + token }
    const found = await discoverIssuer(endpoints, testOutbound(t, 1000))
    assert.equal(found?.issuer, host.origin + issuer)
  }
})

test('A-29: a document that names another issuer, or has neither endpoint, is not that of the provider', async (t) => {
  const cases: ((origin: string) => unknown)[] = [
    (origin) => documentOf('https://other.example', `${origin}/authorize`, `${origin}/token`),
    (origin) => documentOf(`${origin}/deeper`, `${origin}/authorize`, `${origin}/token`),
    (origin) => documentOf(origin, `${origin}/elsewhere`, `${origin}/elsewhere`),
    () => '<!doctype html>',
    () => [],
    () => null,
  ]
  for (const document of cases) {
    const host = await startHost(t, (origin) => ({ '': document(origin) }))
    const endpoints = { authorizationUrl: `${host.origin}/authorize`, tokenUrl: `${host.origin}/token` }
    assert.equal(await discoverIssuer(endpoints, testOutbound(t, 1000)), undefined)
  }
})

test('A-06: a provider that says it has no S256 is refused, not taken for one without a document', async (t) => {
  const host = await startHost(t, (origin) => ({
    '': {
      ...documentOf(origin, `${origin}/authorize`, `${origin}/token`),
      code_challenge_methods_supported: ['plain'],
    },
  }))
  const endpoints = { authorizationUrl: `${host.origin}/authorize`, tokenUrl: `${host.origin}/token` }
  await assert.rejects(discoverIssuer(endpoints, testOutbound(t, 1000)), /S256/)
})

test('a provider that cannot be asked is not one without a document; a page that only browsers reach is', async (t) => {
  const nobody = 'http://127.0.0.1:1'
  const endpoints = { authorizationUrl: `${nobody}/authorize`, tokenUrl: `${nobody}/token` }
  await assert.rejects(discoverIssuer(endpoints, testOutbound(t, 1000)), { kind: 'unreachable' })
  const host = await startHost(t, () => ({}))
  const split = { authorizationUrl: `${nobody}/authorize`, tokenUrl: `${host.origin}/token` }
  assert.equal(await discoverIssuer(split, testOutbound(t, 1000)), undefined)
})
