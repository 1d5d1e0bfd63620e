import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '@opentelemetry/api'
import { remoteParent, traceHeaders } from './trace-context.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

function parentOf(traceparent: string | string[] | undefined, tracestate?: string | string[]) {
  return api.trace.getSpanContext(remoteParent(api, traceparent, tracestate))
}

test('a caller’s span is read and carried on', () => {
  const parent = parentOf(`00-${TRACE}-${SPAN}-01`, 'a=1,b=2')
  assert.deepEqual([parent?.traceId, parent?.spanId, parent?.traceFlags, parent?.isRemote], [TRACE, SPAN, 1, true])
  assert.ok(parent)
  assert.deepEqual(traceHeaders(parent), ['traceparent', `00-${TRACE}-${SPAN}-01`, 'tracestate', 'a=1,b=2'])
})

test('of the flags only that of sampling is taken; a later version may say more', () => {
  assert.equal(parentOf(`00-${TRACE}-${SPAN}-00`)?.traceFlags, 0)
  assert.equal(parentOf(`00-${TRACE}-${SPAN}-ff`)?.traceFlags, 1)
  assert.equal(parentOf(`cc-${TRACE}-${SPAN}-01-what-the-future-brings`)?.traceId, TRACE)
})

const MALFORMED = [
  undefined,
  '',
  'nonsense',
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-01-more`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE}-${SPAN}-1`,
  [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`],
  `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
]
for (const traceparent of MALFORMED) {
  test(`${JSON.stringify(traceparent)} is no caller’s span`, () =>
    assert.equal(parentOf(traceparent, 'a=1'), undefined))
}

test('a tracestate that is too long is left out', () => {
  assert.equal(parentOf(`00-${TRACE}-${SPAN}-01`, `a=${'x'.repeat(600)}`)?.traceState, undefined)
})
