import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sessionDraft } from '../../test/support/session-draft.ts'
import type { Session } from './contract.ts'
import { createRandomPool } from './random.ts'
import {
  decodeRecord,
  encodeRecord,
  latestEndOf,
  MAX_RECORD_BYTES,
  readMetadata,
  type SessionContent,
} from './record.ts'
import { deriveSealKey } from './seal.ts'
import { issueTicket, publicSessionId } from './ticket.ts'

const random = createRandomPool()
const ticket = issueTicket(random)
const sealKey = deriveSealKey(ticket.secret, 'test')

function someContent(
  changes: Parameters<typeof sessionDraft>[0] = {},
  moreTimes: Partial<Session> = {},
): SessionContent {
  const { address, userAgent, idleTimeout, ...identity } = sessionDraft(changes)
  const times = {
    createdAt: 1000,
    expiresAt: 9000,
    lifetimeEndsAt: 9000,
    lastSeenAt: 2000,
    longestIdleMs: 0,
    isRemembered: false,
    ...moreTimes,
  }
  return {
    session: { ...identity, ...times, id: publicSessionId(ticket.key) },
    address,
    userAgent,
    tokensObtainedAt: 1500,
    idleTimeout,
  }
}

const full = someContent({ sid: 'sid-1', acr: 'high', amr: ['pwd', 'otp'], authTime: 900 })

test('what is written is read again, with everything and with nothing optional', () => {
  const limited = someContent(
    { idleTimeout: 60_000 },
    { lifetimeEndsAt: 20_000, longestIdleMs: 500, isRemembered: true },
  )
  const refresh = { spender: 'somebody', failures: 2, retryAt: 1700 }
  const userinfo = { readAt: 1600, retryAt: 1800 }
  const renewing = { ...full, refresh, userinfo }
  for (const content of [full, limited, someContent({ idleTimeout: 'off' }), someContent(), renewing]) {
    assert.deepEqual(decodeRecord(ticket.key, sealKey, encodeRecord(ticket.key, sealKey, content, random)), content)
  }
})

test('the open part says when the lifetime is over where that is not when the session expires', () => {
  for (const lifetimeEndsAt of [9000, 20_000]) {
    const metadata = readMetadata(encodeRecord(ticket.key, sealKey, someContent({}, { lifetimeEndsAt }), random))
    assert.equal(metadata?.expiresAt, 9000)
    assert.equal(metadata && latestEndOf(metadata), lifetimeEndsAt)
  }
})

test('E-12: the open part tells the operator who and when, the rest is sealed', () => {
  const record = Buffer.from(encodeRecord(ticket.key, sealKey, full, random))
  assert.deepEqual(readMetadata(record), {
    subject: 'alice',
    provider: 'demo',
    sid: 'sid-1',
    createdAt: 1000,
    lastSeenAt: 2000,
    expiresAt: 9000,
    address: '192.0.2.1',
    userAgent: 'Browser/1.0',
  })
  for (const secret of ['access-1', 'id-token-1', 'alice@example.com', 'issuer.example', ticket.text]) {
    assert.equal(record.includes(secret), false, secret)
  }
})

test('no two writes of one content are alike', () => {
  const [one, two] = [1, 2].map(() => Buffer.from(encodeRecord(ticket.key, sealKey, full, random)))
  assert.notDeepEqual(one, two)
})

test('V-075, V-093: another secret, another key, or one altered bit anywhere, and the record opens nothing', () => {
  const record = encodeRecord(ticket.key, sealKey, full, random)
  const other = issueTicket(random)
  assert.equal(decodeRecord(ticket.key, deriveSealKey(other.secret, 'test'), record), undefined)
  assert.equal(decodeRecord(other.key, sealKey, record), undefined)
  for (let at = 0; at < record.length; at++) {
    const altered = record.slice()
    altered[at]! ^= 1 << (at % 8)
    assert.equal(decodeRecord(ticket.key, sealKey, altered), undefined, `byte ${at}`)
  }
  for (let length = 0; length < record.length; length += 7) {
    assert.equal(decodeRecord(ticket.key, sealKey, record.slice(0, length)), undefined)
  }
})

test('FM-22: junk, other formats, huge and lying lengths are no record', () => {
  const lies = Buffer.alloc(64)
  lies[0] = 1
  lies.writeUInt32BE(0xffffffff, 1)
  const tooLarge = new Uint8Array(MAX_RECORD_BYTES + 1)
  tooLarge[0] = 1
  for (const bytes of [
    new Uint8Array(),
    Buffer.from('{"sub":"alice"}'),
    Buffer.from([2, 0, 0, 0, 0]),
    lies,
    tooLarge,
  ]) {
    assert.equal(decodeRecord(ticket.key, sealKey, bytes), undefined)
    assert.equal(readMetadata(bytes), undefined)
  }
})

test('V-104: claims that are nested too deep, or too large, are refused when they are written', () => {
  let deep: unknown = 1
  for (let i = 0; i < 1000; i++) deep = [deep]
  assert.throws(() => encodeRecord(ticket.key, sealKey, someContent({ claims: { deep } }), random), RangeError)
  const large = { text: 'x'.repeat(MAX_RECORD_BYTES) }
  assert.throws(() => encodeRecord(ticket.key, sealKey, someContent({ claims: large }), random), RangeError)
})

test('V-133: a claim named __proto__ changes no prototype', () => {
  const claims = JSON.parse('{"__proto__":{"admin":true},"\\u005f_proto__":{"admin":true},"sub":"alice"}') as Record<
    string,
    unknown
  >
  const read = decodeRecord(ticket.key, sealKey, encodeRecord(ticket.key, sealKey, someContent({ claims }), random))
  assert.deepEqual(Object.keys(read?.session.claims ?? {}), ['sub'])
  assert.equal(Object.assign({}, read?.session.claims)['admin' as never], undefined)
})
