import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileCidrs, parseCidr, plainAddress } from './cidr.ts'

test('an address is in the set when one of the networks holds it', () => {
  const set = compileCidrs(['10.0.0.0/8', '192.168.1.7', 'fd00::/8', '::1'])
  for (const address of ['10.0.0.1', '10.255.255.255', '192.168.1.7', 'fd12:3456::1', '::1', '0:0:0:0:0:0:0:1']) {
    assert.equal(set.has(address), true, address)
  }
  for (const address of ['11.0.0.1', '192.168.1.8', 'fe80::1', '::2', '', 'localhost', '10.0.0.1:80', '10.1']) {
    assert.equal(set.has(address), false, address)
  }
})

test('an IPv4 address written as IPv6 is the IPv4 address', () => {
  const set = compileCidrs(['10.0.0.0/8'])
  for (const address of ['::ffff:10.0.0.1', '::FFFF:10.0.0.1', '::ffff:a00:1', '0:0:0:0:0:ffff:0a00:0001']) {
    assert.equal(set.has(address), true, address)
  }
  assert.equal(set.has('::ffff:11.0.0.1'), false)
  assert.equal(compileCidrs(['::ffff:10.0.0.0/104']).has('10.9.9.9'), true)
  assert.equal(compileCidrs(['::ffff:10.0.0.0/104']).has('11.9.9.9'), false)
})

test('a zone is no part of the address', () => {
  assert.equal(compileCidrs(['fe80::/10']).has('fe80::1%eth0'), true)
  assert.equal(plainAddress('fe80::1%eth0'), 'fe80::1')
})

test('all networks hold every address, no network none', () => {
  const all = compileCidrs(['0.0.0.0/0', '::/0'])
  assert.deepEqual([all.has('1.2.3.4'), all.has('::ffff:1.2.3.4'), all.has('2001:db8::1')], [true, true, true])
  assert.equal(compileCidrs([]).has('1.2.3.4'), false)
})

test('what is not a network is refused by name', () => {
  const wrong = [
    '',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0/8',
    'fd00::/129',
    '10.0.0.0/8 ',
    'example.com',
    '10.0.0.0/08',
    'fe80::1%eth0',
  ]
  for (const text of wrong) assert.throws(() => parseCidr(text), new RegExp(`^Error: "${text}" is not a network`), text)
})

test('the plain form of an address', () => {
  assert.equal(plainAddress('::ffff:1.2.3.4'), '1.2.3.4')
  assert.equal(plainAddress('::ffff:102:304'), '1.2.3.4')
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1')
  assert.equal(plainAddress('not:an:address'), 'not:an:address')
})
