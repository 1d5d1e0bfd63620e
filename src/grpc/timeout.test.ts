import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTimeout } from './timeout.ts'

test('grpc-timeout is a number and a unit', () => {
  const read = { '1H': 3_600_000, '2M': 120_000, '3S': 3_000, '200m': 200, '5000u': 5, '99999999n': 99.999999 }
  for (const [header, ms] of Object.entries(read)) assert.equal(readTimeout(header), ms, header)
  for (const none of [undefined, '', '1', 'm', '-1S', '1.5S', '123456789m', '1s ', '1S2m']) {
    assert.equal(readTimeout(none), undefined, String(none))
  }
})
