import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHeaderClassifier, HeaderKind } from './header-kinds.ts'

test('a name means the same in any case', () => {
  const kindOf = createHeaderClassifier([])
  for (const name of ['Host', 'host', 'HOST', 'hOsT']) assert.equal(kindOf(name), HeaderKind.Host)
  for (const name of ['X-Forwarded-For', 'x-forwarded-anything', 'X-FORWARDED', 'x-forwardedfor', 'X-Real-IP']) {
    assert.equal(kindOf(name), HeaderKind.Forwarded, name)
  }
  for (const name of ['X-User', 'accept', 'Accept', '__proto__', 'constructor', 'X-Forward', 'x-real']) {
    assert.equal(kindOf(name), HeaderKind.EndToEnd, name)
  }
})

test('V-015 V-046: another spelling of a header that means something is stripped', () => {
  const kindOf = createHeaderClassifier([])
  for (const name of [
    'X_Forwarded_For',
    'x.forwarded.proto',
    'X-Forwarded_Host',
    'Content_Length',
    'Transfer.Encoding',
    'x_real_ip',
  ]) {
    assert.equal(kindOf(name), HeaderKind.Stripped, name)
  }
  assert.equal(kindOf('X_User'), HeaderKind.EndToEnd, 'mutators’ names are the pipeline’s to judge')
})

test('names that the operator strips are stripped in every spelling, also ordinary ones', () => {
  const kindOf = createHeaderClassifier(['x-auth-user', 'Cookie', 'Authorization', 'X_Legacy'])
  for (const name of [
    'X-Auth-User',
    'x_auth.user',
    'COOKIE',
    'Cookie',
    'cookie',
    'authorization',
    'Authorization',
    'X-Legacy',
    'x_legacy',
  ]) {
    assert.equal(kindOf(name), HeaderKind.Stripped, name)
  }
  assert.equal(kindOf('Accept'), HeaderKind.EndToEnd)
})
