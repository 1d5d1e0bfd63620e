import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderList } from '../kernel/headers.ts'
import type { RequestView } from '../kernel/request.ts'
import { loginOptions } from '../../test/support/login-rig.ts'
import { beginUrlFor } from './begin-url.ts'
import type { LoginOptions } from './options.ts'
import { compileSettings } from './settings.ts'

const options = loginOptions()

function urlFor(request: Partial<RequestView>, changes: Partial<LoginOptions> = {}, provider?: string): string {
  const view = { scheme: 'https', host: 'app.example', originalUri: '/', headers: new HeaderList(), ...request }
  return beginUrlFor(compileSettings(loginOptions(changes)), view as RequestView, provider)
}

test('leads back to path and query as the browser sent them', () => {
  assert.equal(
    urlFor({ originalUri: '/a%2Fb?c=d&e=%20' }),
    'https://app.example/.oathkeeper/login?return_to=%2Fa%252Fb%3Fc%3Dd%26e%3D%2520',
  )
})

test('names the provider that a rule asks for', () => {
  assert.match(urlFor({ originalUri: '/x' }, {}, 'demo'), /\/login\?return_to=%2Fx&provider=demo$/)
})

test('begins at the origin that the request came to, and at the first one from anywhere else', () => {
  const changes = { baseUrls: ['https://one.example', 'https://two.example:8443'] }
  assert.match(urlFor({ host: 'two.example:8443' }, changes), /^https:\/\/two\.example:8443\//)
  assert.match(
    urlFor({ host: 'evil.test', originalUri: '/x' }, changes),
    /^https:\/\/one\.example\/\.oathkeeper\/login\?return_to=%2Fx$/,
  )
})

test('leads back to another host only where it is allowed and the cookie reaches it', () => {
  const request = { host: 'docs.example.org', originalUri: '/x' }
  const shared = {
    baseUrls: ['https://login.example.org'],
    allowedReturnOrigins: ['https://docs.example.org'],
    cookie: { ...options.cookie, domain: 'example.org' },
  }
  assert.match(
    urlFor(request, shared),
    /^https:\/\/login\.example\.org\/.*return_to=https%3A%2F%2Fdocs\.example\.org%2Fx$/,
  )
  assert.match(urlFor(request, { ...shared, allowedReturnOrigins: [] }), /return_to=%2Fx$/)
  assert.match(urlFor(request, { ...shared, cookie: options.cookie }), /return_to=%2Fx$/)
  assert.match(urlFor({ ...request, scheme: 'http' }, shared), /return_to=%2Fx$/)
  assert.match(urlFor({ ...request, host: 'docs.example.org.evil.test' }, shared), /return_to=%2Fx$/)
  assert.match(urlFor({ ...request, host: 'a@b/[' }, shared), /return_to=%2Fx$/)
})

test('V-065: a target that begins with two slashes is written as ours', () => {
  assert.match(urlFor({ originalUri: '//evil.test/x' }), /return_to=https%3A%2F%2Fapp\.example%2F%2Fevil\.test%2Fx$/)
})

test('a target that would not get through is left out', () => {
  assert.equal(urlFor({ originalUri: `/${'%'.repeat(4000)}` }), 'https://app.example/.oathkeeper/login')
})
