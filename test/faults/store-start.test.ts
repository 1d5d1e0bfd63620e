// The store cannot be used when Oathkeeper starts: a real process, which waits for a while and then says what to check.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startOathkeeper, type OathkeeperProcess } from '../support/oathkeeper.ts'
import { tellRecovery } from '../support/recovery.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { timed } from '../support/until.ts'

/** What a start takes on a machine that does other things too. */
const START_MS = 20_000

describe('at start', { concurrency: 2 }, () => {
  test('FM-01: nothing listens: it ends with the address and what to check, without the password', async () => {
    const redis = await startRedisServer()
    await redis.close()
    const { code, log } = await refused({ addr: redis.addr, password: 'never-printed' })
    assert.equal(code, 1)
    assert.ok(log.includes(redis.addr), log)
    assert.doesNotMatch(log, /never-printed/)
  })

  test('FM-01: a server that comes up within start_timeout is waited for', async (t) => {
    const redis = await startRedisServer()
    t.after(() => redis.close())
    await redis.stop()
    await becomesReady('FM-01', { addr: redis.addr }, () => redis.start())
  })

  test('FM-02: a wrong password ends the start and says so, without the password', async (t) => {
    const redis = await startRedisServer({ password: 'the-right-one' })
    t.after(() => redis.close())
    const { code, log } = await refused({ addr: redis.addr, password: 'the-wrong-one' })
    assert.equal(code, 1)
    assert.match(log, /it refused the password/)
    assert.ok(!log.includes('the-wrong-one') && !log.includes('the-right-one'))
  })

  test('FM-02: a user of the ACL who comes to be while it is waited for', async (t) => {
    const redis = await startRedisServer()
    t.after(() => redis.close())
    const config = { addr: redis.addr, username: 'late', password: 'late-password' }
    await becomesReady('FM-02', config, async () => {
      await redis.command('ACL', 'SETUSER', 'late', 'on', '>late-password', 'allkeys', '+@all')
    })
  })

  test('FM-03: a database that the server does not have ends the start and says so', async (t) => {
    const redis = await startRedisServer({ databases: 4 })
    t.after(() => redis.close())
    const { code, log } = await refused({ addr: redis.addr, db: 9 })
    assert.equal(code, 1)
    assert.match(log, /session_store\.redis\.db/)
  })

  test('FM-03: a user who may not do what we need ends the start and says which command', async (t) => {
    const redis = await startRedisServer()
    t.after(() => redis.close())
    await redis.command('ACL', 'SETUSER', 'default', '-getdel')
    const { code, log } = await refused({ addr: redis.addr })
    assert.equal(code, 1)
    assert.match(log, /GETDEL/)
    await becomesReady('FM-03', { addr: redis.addr }, async () => {
      await redis.command('ACL', 'SETUSER', 'default', '+getdel')
    })
  })
})

function start(redis: Readonly<Record<string, unknown>>): Promise<OathkeeperProcess> {
  return startOathkeeper({
    waitForReady: false,
    config: {
      session_store: { type: 'redis', redis },
      authenticators: { anonymous: { enabled: true } },
      authorizers: { allow: { enabled: true } },
      mutators: { noop: { enabled: true } },
    },
    rules: [
      {
        id: 'all',
        match: { url: 'http://<[^/]+>/<.*>', methods: ['GET'] },
        authenticators: [{ handler: 'anonymous' }],
        authorizer: { handler: 'allow' },
        mutators: [{ handler: 'noop' }],
        upstream: { url: 'http://127.0.0.1:9' },
      },
    ],
  })
}

/** Starts what must not start. */
async function refused(redis: Readonly<Record<string, unknown>>): Promise<{ code: number | null; log: string }> {
  await using instance = await start({ ...redis, start_timeout: '500ms' })
  const code = await instance.exited
  return { code, log: instance.log() }
}

/** Starts while it cannot, then can: nobody starts it a second time. */
async function becomesReady(
  row: string,
  redis: Readonly<Record<string, unknown>>,
  mend: () => Promise<void>,
): Promise<void> {
  await using instance = await start({ ...redis, start_timeout: '30s' })
  await eventually(
    () => instance.log(),
    (log) => log.includes('the session store cannot be used yet; trying again'),
    START_MS,
  )
  await assert.rejects(fetch(`${instance.apiUrl}/health/ready`), 'it listens only when it can answer')
  await mend()
  const { ms } = await timed(() =>
    eventually(
      () =>
        fetch(`${instance.apiUrl}/health/ready`).then(
          ({ status }) => status,
          () => 0,
        ),
      (status) => status === 200,
      START_MS,
    ),
  )
  tellRecovery(row, ms, '(until it is ready, without another start)')
}
