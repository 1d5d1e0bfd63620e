import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, startApi } from '../../test/support/api.ts'
import { createTestGate } from '../../test/support/gate.ts'
import type { LogFields } from '../kernel/logger.ts'
import { silentLogger } from '../kernel/logger.ts'

const gate = createTestGate({ rules: [] })

test('H-01: the 404 page can neither run nor embed anything', async (t) => {
  const { port } = await startApi(t, { gate })
  const { status, headers, body } = await ask({ port, path: '/nope' })
  assert.equal(status, 404)
  const byName = new Map(headers)
  assert.match(byName.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
  assert.equal(byName.get('referrer-policy'), 'no-referrer')
  assert.equal(byName.get('cache-control'), 'no-store')
  assert.ok(!byName.has('server') && !byName.has('x-powered-by'))
  assert.ok(!body.includes('nope'))
})

test('HEAD has the headers of GET and no body', async (t) => {
  const { port } = await startApi(t, { gate })
  const get = await ask({ port, path: '/health/alive' })
  const head = await ask({ port, path: '/health/alive', method: 'HEAD' })
  assert.deepEqual(head, { ...get, body: '' })
})

test('a request that no server should answer gets a refusal', async (t) => {
  const { port } = await startApi(t, { gate })
  assert.equal((await ask({ port, path: '/rules', method: 'TRACE' })).status, 405)
  assert.equal(
    (
      await ask({
        port,
        path: '/rules',
        headers: [
          ['Host', 'a'],
          ['Host', 'b'],
        ],
      })
    ).status,
    400,
  )
})

const fail = (): never => {
  throw new Error('inner')
}

test('H-12: a route that fails is a 500 that says nothing, and is logged', async (t) => {
  const logged: LogFields[] = []
  const logger = { ...silentLogger, error: (fields: LogFields) => void logged.push(fields) }
  const health = { countRules: fail, pendingSources: () => [], store: undefined }
  const { port } = await startApi(t, { gate, logger, admin: { rules: fail, health } })
  for (const path of ['/rules', '/health/ready']) {
    const answer = await ask({ port, path })
    assert.equal(answer.status, 500)
    assert.ok(!answer.body.includes('inner'))
  }
  assert.equal(logged.length, 2)
})
