import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientAddress, compileTrust, forwardedChain, readForwarded, readNode } from './forwarded.ts'

const trusts = compileTrust(['10.0.0.0/8', '::1'])

function nodes(line: string): (string | undefined)[] {
  return readForwarded([line]).map((element) => element.get('for'))
}

test('G-06: the walk begins at the right and stops at the first address that is not trusted', () => {
  const walk = (peer: string, chain: string): string => clientAddress(peer, forwardedChain([chain], []), trusts)
  assert.equal(walk('10.0.0.1', '203.0.113.9'), '203.0.113.9')
  assert.equal(walk('10.0.0.1', '127.0.0.1, 203.0.113.9'), '203.0.113.9')
  assert.equal(walk('10.0.0.1', '198.51.100.1, 203.0.113.9, 10.1.1.1'), '203.0.113.9')
  assert.equal(walk('10.0.0.1', '10.2.2.2, 10.1.1.1'), '10.2.2.2')
})

test('G-05: what a peer that is not trusted says about others is ignored', () => {
  assert.equal(clientAddress('203.0.113.1', ['198.51.100.1'], trusts), '203.0.113.1')
  assert.equal(clientAddress('203.0.113.1', ['198.51.100.1'], compileTrust([])), '203.0.113.1')
  assert.equal(clientAddress('203.0.113.1', ['198.51.100.1'], compileTrust('all')), '198.51.100.1')
})

test('V-032: what is not an address is not usable in a decision', () => {
  for (const entry of ['unknown', '_hidden', '999.1.1.1', '', 'a,b', '1.2.3', '[1.2.3.4]', '::1:80x', '1.2.3.4:port']) {
    assert.equal(clientAddress('10.0.0.1', ['198.51.100.1', entry], trusts), '10.0.0.1', entry)
  }
})

test('addresses are read with port and brackets', () => {
  assert.equal(readNode('192.0.2.1:4711'), '192.0.2.1')
  assert.equal(readNode('[2001:db8::1]:4711'), '2001:db8::1')
  assert.equal(readNode('[2001:db8::1]'), '2001:db8::1')
  assert.equal(readNode('2001:db8::1'), '2001:db8::1')
  assert.equal(readNode('::ffff:192.0.2.1'), '192.0.2.1')
})

test('G-04: Forwarded is read with quoted strings, brackets and obfuscated nodes', () => {
  assert.deepEqual(nodes('for=192.0.2.60;proto=http;by=203.0.113.43'), ['192.0.2.60'])
  assert.deepEqual(nodes('for="[2001:db8::17]:4711", For=_hidden, for=unknown'), [
    '[2001:db8::17]:4711',
    '_hidden',
    'unknown',
  ])
  assert.deepEqual(nodes('for="a,b;c";host="x\\"y"'), ['a,b;c'])
  assert.deepEqual(nodes('proto=https'), [undefined])
  for (const malformed of [
    '',
    'for',
    'for=',
    'for="a',
    'for=a b',
    'for=a,,for=b',
    'for=a;for=b',
    'for=a;',
    '=a',
    'for = a',
  ]) {
    assert.deepEqual(nodes(malformed), [], malformed)
  }
})

test('G-07: X-Forwarded-For wins over Forwarded', () => {
  assert.deepEqual(forwardedChain(['192.0.2.1'], ['for=192.0.2.2']), ['192.0.2.1'])
  assert.deepEqual(forwardedChain([], ['for=192.0.2.2', 'for=192.0.2.3;proto=http, for="[::1]"']), [
    '192.0.2.2',
    '192.0.2.3',
    '[::1]',
  ])
})
