import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestGate } from '../../../test/support/gate.ts'
import { requestView } from '../../../test/support/request-view.ts'
import type { Reply } from '../../kernel/reply.ts'

async function refuse(config: Record<string, unknown> | undefined): Promise<Reply> {
  const errors = [{ handler: 'www_authenticate', config }]
  const decision = await createTestGate({ rules: [{ authorizer: 'deny', errors }] }).decide(requestView())
  assert.ok(!decision.granted)
  return decision.reply
}

test('Annex B 17: any error becomes a 401 that asks for a password', async () => {
  assert.deepEqual(await refuse(undefined), {
    status: 401,
    headers: [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['WWW-Authenticate', 'Basic realm=Please authenticate.'],
      ['X-Content-Type-Options', 'nosniff'],
      ['Cache-Control', 'no-store'],
    ],
    body: 'Unauthorized\n',
  })
})

test('a realm is not quoted, goes out as UTF-8 and cannot begin another header', async () => {
  const realmOf = async (realm: string): Promise<string | undefined> =>
    (await refuse({ realm })).headers.find(([name]) => name === 'WWW-Authenticate')?.[1]
  assert.equal(await realmOf('my "realm"'), 'Basic realm=my "realm"')
  assert.equal(await realmOf('é'), 'Basic realm=Ã©')
  assert.equal(await realmOf('a\r\nX-Evil: 1'), 'Basic realm=a  X-Evil: 1')
})
