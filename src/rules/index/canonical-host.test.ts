import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalHost } from './canonical-host.ts'

const TABLE: readonly (readonly [scheme: string, host: string, canonical: string])[] = [
  ['http', 'h', 'h'],
  ['http', 'H.Example', 'h.example'],
  ['http', 'h.', 'h'],
  ['http', 'h:80', 'h'],
  ['http', 'h.:80', 'h'],
  ['http', 'h:443', 'h:443'],
  ['https', 'h:443', 'h'],
  ['https', 'h:80', 'h:80'],
  ['http', 'h:', 'h'],
  ['http', 'h.:8080', 'h:8080'],
  ['http', '[::1]:80', '[::1]'],
  ['http', '[::80]', '[::80]'],
  ['http', '', ''],
]

for (const [scheme, host, canonical] of TABLE) {
  test(`V-029: ${scheme} ${JSON.stringify(host)} is usually written ${JSON.stringify(canonical)}`, () => {
    assert.equal(canonicalHost(scheme, host), canonical)
  })
}
