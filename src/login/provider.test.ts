import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { silentLogger } from '../kernel/logger.ts'
import { ProblemsError } from '../kernel/problem.ts'
import {
  callbackUrl,
  loginOptions,
  type LoginRigOptions,
  providerOptions,
  startLogin,
} from '../../test/support/login-rig.ts'
import { startMockProvider } from '../../test/support/mock-provider.ts'
import { createTestClock } from '../../test/support/test-clock.ts'
import { Visitor } from '../../test/support/visitor.ts'
import { createProvider } from './provider.ts'
import { parseMetadata } from './provider-metadata.ts'

async function start(t: TestContext, options: LoginRigOptions = {}) {
  const provider = await startMockProvider(t)
  const rig = await startLogin(t, [provider], { ...options, login: { timeoutMs: 300, ...options.login } })
  provider.now = rig.clock.now
  return { provider, rig, visitor: new Visitor() }
}

type Fault = (request: IncomingMessage, response: ServerResponse) => void

const faults: Record<string, { readonly fault: Fault; readonly status: number }> = {
  silence: { fault: () => {}, status: 504 },
  'status 500': { fault: (_request, response) => response.writeHead(500).end('<b>'), status: 503 },
  'status 429': { fault: (_request, response) => response.writeHead(429).end(), status: 503 },
  garbage: { fault: (_request, response) => response.end('<!doctype html>'), status: 502 },
  'an empty answer': { fault: (_request, response) => response.end(), status: 502 },
  'a list': { fault: (_request, response) => response.end('[]'), status: 502 },
  'repeated keys': { fault: (_request, response) => response.end('{"a":1,"a":2}'), status: 502 },
  'V-104: 100,000 levels': { fault: (_request, response) => response.end('['.repeat(100_000)), status: 502 },
  'a megabyte': { fault: (_request, response) => response.end(JSON.stringify({ a: 'x'.repeat(1e6) })), status: 502 },
  'V-114: a bomb': {
    fault: (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(gzipSync(gzipSync(Buffer.alloc(10_000_000)))),
    status: 502,
  },
  'a cut connection': { fault: (request) => void request.socket.destroy(), status: 503 },
}

for (const [name, { fault, status }] of Object.entries(faults)) {
  test(`FM-30: ${name} instead of the discovery document: a page, nothing kept, and it heals`, async (t) => {
    const { provider, rig, visitor } = await start(t)
    provider.switches.routes = { '/.well-known/openid-configuration': fault }
    const answer = await visitor.go(rig.url('/.oathkeeper/login?return_to=/x'))
    assert.equal(answer.status, status)
    assert.match(answer.text, /Start again/)
    assert.equal(rig.store.sizes.states, 0)
    provider.switches.routes = {}
    rig.clock.advance(1001)
    assert.equal((await visitor.follow(rig.url('/x'))).status, 200)
  })

  for (const path of ['/token', '/jwks', '/userinfo']) {
    test(`FM-30: ${name} from ${path}: a page, no session, others unaffected`, async (t) => {
      const { provider, rig, visitor } = await start(t, { provider: { userinfo: true } })
      const before = new Visitor()
      if (path !== '/jwks') await before.follow(rig.url('/x'))
      const url = await callbackUrl(visitor, rig)
      provider.switches.routes = { [path]: fault }
      const answer = await visitor.go(url)
      assert.equal(answer.status, status)
      assert.match(answer.text, /Start again/)
      assert.match(answer.text, /return_to=http%3A%2F%2F127\.0\.0\.1%3A\d+%2Fwanted%3Fq%3D1/)
      assert.ok(!answer.setCookies.some((line) => line.startsWith('oathkeeper=')))
      assert.equal((await visitor.go(url)).status, 400, 'the code is not sent again')
      assert.ok(provider.asked('/token').length <= 2)
      if (path !== '/jwks') assert.equal((await before.go(rig.url('/x'))).status, 200)
    })
  }
}

test('FM-30: a provider that is not there when we start does not stop us, and is found when it comes', async (t) => {
  const { rig, visitor, provider } = await start(t)
  provider.switches.routes = { '/.well-known/openid-configuration': (request) => void request.socket.destroy() }
  const answer = await visitor.go(rig.url('/.oathkeeper/login'))
  assert.equal(answer.status, 503)
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  provider.switches.routes = {}
  rig.clock.advance(1001)
  assert.equal((await visitor.follow(rig.url('/x'))).status, 200)
})

test('the discovery document is fetched once for many logins, and the last good one is kept', async (t) => {
  const { provider, rig, visitor } = await start(t)
  await Promise.all(Array.from({ length: 20 }, () => new Visitor().go(rig.url('/.oathkeeper/login'))))
  assert.equal(provider.asked('/.well-known/openid-configuration').length, 1)
  provider.switches.routes = {
    '/.well-known/openid-configuration': (_request, response) => void response.writeHead(500).end(),
  }
  rig.clock.advance(7_200_000)
  assert.equal((await visitor.follow(rig.url('/x'))).status, 200)
})

for (const status of [301, 302, 303, 307, 308]) {
  test(`A-34: a ${status} of the provider is not followed, from no endpoint`, async (t) => {
    const asked: string[] = []
    const canary = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end('{}')
    })
    await new Promise<void>((done) => canary.listen(0, '127.0.0.1', done))
    t.after(() => canary.close())
    const location = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/`
    for (const path of ['/.well-known/openid-configuration', '/token', '/jwks', '/userinfo']) {
      const { provider, rig, visitor } = await start(t, { provider: { userinfo: true } })
      provider.switches.routes = { [path]: (_request, response) => void response.writeHead(status, { location }).end() }
      const url = path.includes('well-known') ? rig.url('/.oathkeeper/login') : await callbackUrl(visitor, rig)
      assert.equal((await visitor.go(url)).status, 502)
    }
    assert.deepEqual(asked, [])
  })
}

for (const change of [
  (issuer: string) => `${issuer}/`,
  (issuer: string) => issuer.toUpperCase(),
  (issuer: string) => issuer.replace('127.0.0.1', 'localhost'),
  () => 'https://evil.test',
  () => '',
  () => undefined,
  (issuer: string) => [issuer],
]) {
  test(`A-29: a discovery document that names itself ${String(change('https://id.example'))} is refused`, async (t) => {
    const { provider, rig, visitor } = await start(t)
    provider.switches.discovery = (document) => ({ ...document, issuer: change(provider.issuer) })
    assert.equal((await visitor.go(rig.url('/.oathkeeper/login'))).status, 502)
    assert.equal(provider.asked('/authorize').length, 0)
  })
}

test('an issuer with a path and a slash at the end is found below it and compared as it is', async (t) => {
  const { provider } = await start(t)
  const issuer = `${provider.issuer}/realms/x/`
  provider.switches.routes = {
    '/realms/x/.well-known/openid-configuration': (_request, response) =>
      void response.end(JSON.stringify({ issuer, ...ENDPOINTS })),
  }
  const options = { ...loginOptions().providers[0]!, issuer }
  const created = createProvider(options, 0, { clock: createTestClock(), logger: silentLogger, timeoutMs: 1000 })
  t.after(() => created.outbound.close())
  assert.equal((await created.metadata()).tokenEndpoint, ENDPOINTS.token_endpoint)
})

const ENDPOINTS = {
  authorization_endpoint: 'https://id.example/authorize',
  token_endpoint: 'https://id.example/token',
  jwks_uri: 'https://id.example/jwks',
}

test('A-18: every endpoint is https, or on this machine', () => {
  const issuer = 'https://id.example'
  const read = (change: object) => parseMetadata({ issuer, ...ENDPOINTS, ...change }, issuer)
  read({
    token_endpoint: 'http://127.0.0.1:9/token',
    jwks_uri: 'http://[::1]/x',
    userinfo_endpoint: 'http://localhost/u',
  })
  for (const name of [
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'userinfo_endpoint',
    'end_session_endpoint',
  ]) {
    for (const url of [
      'http://10.0.0.1/token',
      'http://127.0.0.1.evil.test/',
      'http://localhost.evil.test/',
      'ftp://id.example/',
      'javascript:alert(1)',
      'file:///etc/passwd',
      '/token',
      'https://user:pw@id.example/',
      'https://id.example/#x',
      'https://[',
      7,
      ['https://id.example/'],
    ]) {
      assert.throws(() => read({ [name]: url }), new RegExp(name), `${name} ${String(url)}`)
    }
  }
  for (const name of Object.keys(ENDPOINTS)) assert.throws(() => read({ [name]: undefined }), new RegExp(name))
})

test('A-06: V-039: a provider that offers PKCE only by plain gets no weaker request', async (t) => {
  for (const methods of [['plain'], [], 'S256', null]) {
    const { provider, rig, visitor } = await start(t)
    provider.switches.discovery = (document) => ({ ...document, code_challenge_methods_supported: methods })
    assert.equal((await visitor.go(rig.url('/.oathkeeper/login'))).status, 502)
    assert.equal(provider.asked('/authorize').length, 0)
  }
})

test('A-06: V-039: a provider that says nothing of PKCE gets it all the same', async (t) => {
  const { provider, rig, visitor } = await start(t)
  provider.switches.discovery = (document) => ({ ...document, code_challenge_methods_supported: undefined })
  assert.equal((await visitor.follow(rig.url('/x'))).status, 200)
  assert.equal(provider.asked('/authorize')[0]?.query.get('code_challenge_method'), 'S256')
  assert.ok(provider.asked('/token')[0]?.form.get('code_verifier'))
})

test('A-06: a provider that refuses the request is asked once', async (t) => {
  const { provider, rig, visitor } = await start(t)
  provider.switches.redirect = (location) => {
    location.searchParams.delete('code')
    location.searchParams.set('error', 'invalid_request')
  }
  assert.equal((await visitor.follow(rig.url('/x'))).status, 400)
  assert.equal(provider.asked('/authorize').length, 1)
  assert.equal(provider.asked('/token').length, 0)
})

test('A-18: a certificate that nobody vouches for is refused; ca_file vouches', async (t) => {
  const { key, cert, caFile } = makeCertificate(t)
  const issuer = { url: '' }
  const server = createTlsServer({ key, cert }, (_request, response) => {
    response.end(JSON.stringify({ issuer: issuer.url, ...ENDPOINTS }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  issuer.url = `https://localhost:${(server.address() as AddressInfo).port}`
  const options = { ...loginOptions().providers[0]!, issuer: issuer.url }
  const deps = { clock: createTestClock(), logger: silentLogger, timeoutMs: 1000 }
  const stranger = createProvider(options, 0, deps)
  const known = createProvider({ ...options, caFile }, 0, deps)
  t.after(() => Promise.all([stranger.outbound.close(), known.outbound.close()]))
  await assert.rejects(Promise.resolve(stranger.metadata()), {
    code: 'ERR_PROVIDER_UNAVAILABLE',
    detail: /SELF_SIGNED|UNABLE_TO_VERIFY/,
  })
  assert.equal((await known.metadata()).tokenEndpoint, ENDPOINTS.token_endpoint)
})

test('a ca_file that is not there is told at load, by its path in the configuration', () => {
  const options = { ...providerOptions(loginOptions().providers[0]!), caFile: '/nowhere/ca.pem' }
  assert.throws(
    () => createProvider(options, 2, { clock: createTestClock(), logger: silentLogger, timeoutMs: 1000 }),
    (error: unknown) => {
      assert.ok(error instanceof ProblemsError)
      assert.deepEqual(error.problems, [{ path: 'login.providers[2].ca_file', message: 'cannot be read (ENOENT)' }])
      return true
    },
  )
})

function makeCertificate(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'login-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [keyFile, caFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '1']
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...ec, '-keyout', keyFile, '-out', caFile, ...subject], { stdio: 'ignore' })
  return { key: readFileSync(keyFile), cert: readFileSync(caFile), caFile }
}
