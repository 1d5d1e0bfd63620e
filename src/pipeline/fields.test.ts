import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, retry, uri } from './fields.ts'

test('a URI is one that Go parses and that has a scheme', () => {
  const taken = [
    'http://h',
    'https://h:8443/a b?c=%zz#d',
    'http://[::1]:80/x',
    'http://u:p@h/x',
    'file:///etc/keys.json',
    'file://keys.json',
    's3://bucket/key',
    'mailto:a',
    'http:///x',
    'http://h:/x',
  ]
  for (const text of taken) assert.ok(uri().safeParse(text).success, text)
  const refused = [
    '',
    'nonsense',
    '/x',
    '//h/x',
    ':x',
    'http://h:a/',
    'http://a b/',
    'http://h/%zz',
    'http://h%20/',
    'http://h/\n',
    7,
  ]
  for (const text of refused) assert.ok(!uri().safeParse(text).success, String(text))
})

test('a duration is one integer and one unit', () => {
  assert.equal(duration().parse('15m'), 900_000)
  assert.equal(duration().parse('500us'), 0.5)
  for (const text of ['', '7d', '1h30m', '1.5s', ' 1s', '1S', '-1s', '9999999999h', null, 5]) {
    assert.ok(!duration().safeParse(text).success, String(text))
  }
})

test('retry: what Oathkeeper’s documentation says, whole when a part is missing', () => {
  assert.deepEqual(retry().parse(undefined), { retries: 4, giveUpAfterMs: 1000, maxDelayMs: 100 })
  assert.deepEqual(retry().parse({ max_delay: '5ms' }), { retries: 4, giveUpAfterMs: 1000, maxDelayMs: 5 })
  assert.deepEqual(retry().parse({ give_up_after: '3s' }), { retries: 4, giveUpAfterMs: 3000, maxDelayMs: 100 })
  for (const broken of [null, [], { give_up_after: 7 }, { attempts: 3 }, { max_delay: '7d' }]) {
    assert.ok(!retry().safeParse(broken).success, JSON.stringify(broken))
  }
})

test('H-04: every call has a deadline, whatever the configuration says', () => {
  assert.equal(retry().parse({ give_up_after: '0s' }).giveUpAfterMs, 60_000)
  assert.equal(retry().parse({ give_up_after: '1us' }).giveUpAfterMs, 1)
  assert.ok(retry().parse({ give_up_after: '999999h' }).giveUpAfterMs < 2 ** 31)
})
