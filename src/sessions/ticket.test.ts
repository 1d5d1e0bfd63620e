import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import type { SessionHint } from './hint.ts'
import { createRandomPool } from './random.ts'
import { hintOf, issueTicket, parseTicket, publicSessionId } from './ticket.ts'

const random = createRandomPool()

test('a ticket that was issued is read again as the same', () => {
  const issued = issueTicket(random)
  assert.deepEqual(parseTicket(issued.text), issued)
  assert.match(issued.text, /^v1\.[A-Za-z0-9_-]{43}$/)
})

test('a ticket from before there were hints still opens what it opened', () => {
  const ticket = parseTicket('v1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8')
  assert.equal(ticket?.key, hash('sha256', 'oathkeeper session key\0AAECAwQFBgcICQoLDA0ODw', 'base64url'))
  assert.deepEqual(Buffer.from(ticket?.secret ?? []), Buffer.from(Array.from({ length: 16 }, (_, i) => i + 16)))
})

const HINT: SessionHint = { createdAt: 1.7e12, expiresAt: 1.8e12, idleTimeoutMs: 1_800_000 }

test('a hint is read again, and belongs to its ticket: with another, or none, it is the ticket of another session', () => {
  const issued = issueTicket(random, HINT)
  assert.deepEqual(parseTicket(issued.text), issued)
  assert.match(issued.text, /^v1\.[A-Za-z0-9_-]{59}$/)
  assert.deepEqual(hintOf(issued), HINT)
  assert.deepEqual(hintOf(issueTicket(random, { ...HINT, idleTimeoutMs: undefined })), {
    ...HINT,
    idleTimeoutMs: undefined,
  })
  assert.equal(hintOf(issueTicket(random)), undefined)
  const bytes = Buffer.from(issued.text.slice(3), 'base64url')
  const bare = `v1.${bytes.toString('base64url', 0, 32)}`
  bytes[40]! ^= 1
  for (const other of [bare, `v1.${bytes.toString('base64url')}`]) {
    const read = parseTicket(other)
    assert.notEqual(read, undefined)
    assert.notEqual(read?.key, issued.key)
  }
  for (let cut = 1; cut < 16; cut++) assert.equal(parseTicket(issued.text.slice(0, -cut)), undefined)
  assert.equal(parseTicket(`${issued.text}A`), undefined)
})

test('E-01, E-17: ids are distinct and every bit of a ticket is as often one as zero, whatever it says', () => {
  const count = 20_000
  const seen = new Set<string>()
  const ones = Array<number>(352).fill(0)
  for (let i = 0; i < count; i++) {
    const { text, key } = issueTicket(random, HINT)
    seen.add(text).add(key)
    const bytes = Buffer.from(text.slice(3), 'base64url')
    for (let bit = 0; bit < 352; bit++) if ((bytes[bit >> 3]! & (1 << (bit & 7))) !== 0) ones[bit]!++
  }
  assert.equal(seen.size, 2 * count)
  // Five standard deviations of a fair coin.
  for (const one of ones) assert.ok(Math.abs(one - count / 2) < 5 * Math.sqrt(count / 4), `${one} of ${count}`)
})

test('V-041, E-10: no other spelling is a ticket: shorter, longer, other case, altered padding bits', () => {
  const { text } = issueTicket(random)
  for (let cut = 1; cut <= text.length; cut++) assert.equal(parseTicket(text.slice(0, -cut)), undefined)
  for (const other of [
    `${text}A`,
    `${text}=`,
    ` ${text}`,
    `${text}\n`,
    text.toUpperCase().replace('V1', 'v1.').slice(0, 46),
    text.slice(3),
    `v2${text.slice(2)}`,
  ]) {
    const read = parseTicket(other)
    if (read !== undefined) assert.notEqual(read.key, parseTicket(text)?.key)
    else assert.equal(read, undefined)
  }
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(text.at(-1)!)
  assert.equal(last % 4, 0)
  for (const alias of [1, 2, 3]) assert.equal(parseTicket(text.slice(0, -1) + alphabet[last + alias]), undefined)
})

test('V-083, V-093: junk is no ticket', () => {
  const body = 'A'.repeat(43)
  const junk = [
    '',
    'v1.',
    `v1.${'='.repeat(43)}`,
    `v1.${'*'.repeat(43)}`,
    `v1.%s%b\r\nSET x y${'A'.repeat(30)}`,
    `v1.${'é'.repeat(43)}`,
  ]
  for (const text of [...junk, `v1.${'\0'.repeat(43)}`, `V1.${body}`, '{"sub":"alice"}', 'A'.repeat(1_000_000)]) {
    assert.equal(parseTicket(text), undefined, text.slice(0, 60))
  }
})

test('E-12: neither the key nor the public id is a ticket, and neither shows the id', () => {
  const { text, key } = issueTicket(random)
  const id = Buffer.from(text.slice(3), 'base64url').toString('base64url', 0, 16)
  for (const name of [key, publicSessionId(key)]) {
    assert.equal(parseTicket(name), undefined)
    assert.equal(parseTicket(`v1.${name}`)?.key === key, false)
    assert.ok(!name.includes(id) && !text.includes(name))
  }
})

test('one id with another secret is another ticket of the same record', () => {
  const first = issueTicket(random)
  const bytes = Buffer.from(first.text.slice(3), 'base64url')
  bytes[31]! ^= 1
  const second = parseTicket(`v1.${bytes.toString('base64url')}`)
  assert.equal(second?.key, first.key)
  assert.notDeepEqual(second?.secret, first.secret)
})
