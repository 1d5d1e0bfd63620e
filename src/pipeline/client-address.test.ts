import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestView } from '../../test/support/request-view.ts'
import { compileTrust, clientAddress, readForwardedFor } from '../http/forwarded.ts'
import { compileClientAddress } from './client-address.ts'

const addressOf = compileClientAddress()
const PEER = '127.0.0.1'

function told(headers: Record<string, string>, trusted: 'all' | readonly string[] = 'all'): string {
  const trusts = compileTrust(trusted)
  const chain = readForwardedFor(headers['X-Forwarded-For'] === undefined ? [] : [headers['X-Forwarded-For']])
  return addressOf(
    requestView({
      headers: Object.entries(headers),
      peerAddress: PEER,
      peerTrusted: trusts(PEER),
      clientAddress: clientAddress(PEER, chain, trusts),
    }),
  )
}

const cases: [string, Record<string, string>, string][] = [
  ['the peer without any header', {}, PEER],
  ['a public client', { 'X-Forwarded-For': '8.8.8.8' }, '8.8.8.8'],
  ['the first public address', { 'X-Forwarded-For': '10.0.0.1, 172.16.3.4 ,  8.8.4.4, 9.9.9.9' }, '8.8.4.4'],
  ['the same of IPv6', { 'X-Forwarded-For': 'fe80::1, fd00::1, 2001:db8::1' }, '2001:db8::1'],
  ['nothing when all are private', { 'X-Forwarded-For': '10.0.0.1' }, ''],
  ['then what X-Real-Ip says', { 'X-Forwarded-For': '::1, 127.0.0.1', 'X-Real-Ip': '10.1.1.1' }, '10.1.1.1'],
  ['X-Real-Ip alone, whatever it is', { 'X-Real-Ip': '192.168.1.1' }, '192.168.1.1'],
  ['what is an address', { 'X-Forwarded-For': 'unknown, _x, 9.9.9.9' }, '9.9.9.9'],
]

for (const [what, headers, expected] of cases) {
  test(`as Oathkeeper, the client is ${what}`, () => assert.equal(told(headers), expected))
}

test('G-01: from a peer that is not trusted, no header says who the client is', () => {
  assert.equal(told({ 'X-Forwarded-For': '8.8.8.8', 'X-Real-Ip': '8.8.8.8' }, []), PEER)
})

test('a public client that trusted proxies name wins over what it wrote in front of itself', () => {
  assert.equal(told({ 'X-Forwarded-For': '1.1.1.1, 9.9.9.9, 10.0.0.7' }, ['127.0.0.1', '10.0.0.0/8']), '9.9.9.9')
})
