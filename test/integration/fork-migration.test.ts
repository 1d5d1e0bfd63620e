import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { APPLICATION, type ForkSample, signIn, startForkSample } from '../support/fork-sample.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'
import { Visitor } from '../support/visitor.ts'

describe('sessions of the fork in Redis', () => {
  let redis: RedisServer
  let sample: ForkSample
  before(async () => {
    redis = await startRedisServer()
    sample = await startForkSample({
      sessionStore: { type: 'redis', redis: { addr: redis.addr, migrate_fork_sessions: true } },
    })
  })
  after(async () => {
    await sample[Symbol.asyncDispose]()
    await redis.close()
  })

  /** Logs in and gives the tokens that the fork would have kept. */
  async function tokensOf(person: string): Promise<{ access: string; id: string }> {
    const given = sample.provider.tokens.length
    const visitor = new Visitor()
    await signIn(visitor, await visitor.follow(`${sample.door}/home/x`), person)
    const [access = '', id = ''] = sample.provider.tokens.slice(given)
    return { access, id }
  }

  async function seed(person: string): Promise<string> {
    const { access, id: idToken } = await tokensOf(person)
    const id = randomBytes(16).toString('hex')
    const record = {
      ID: id,
      Username: 'ada@example.com',
      Sub: person,
      ExpiresAt: new Date(Date.now() + 1_800_000).toISOString().replace('Z', '999999Z'),
      IssuedAt: new Date().toISOString(),
      AccessToken: access,
      IDToken: idToken,
      CodeVerifier: '',
    }
    await redis.command('SET', `session:${id}`, JSON.stringify(record), 'EX', '1800')
    return id
  }

  const go = (cookie: string, headers: Readonly<Record<string, string>> = {}) =>
    new Visitor().go(`${sample.door}/home/page?a=b`, { headers: { cookie, ...headers } })

  for (const name of ['IG_SESSION_ID', 'wso2_session_id']) {
    test(`a person with the cookie ${name} goes on without a login, under a new ticket, and the old id is worth nothing`, async () => {
      const id = await seed('id-of-ada')
      const received = sample.received.length
      const answer = await go(`${name}=${id}; other=kept`)
      assert.equal(answer.status, 200)
      assert.equal(answer.text, APPLICATION)
      const headers = sample.received[received]?.headers
      assert.equal(headers?.['sub'], 'id-of-ada')
      assert.equal(headers['x-user-email'], 'ada@example.com')
      assert.equal(headers.cookie, 'other=kept')

      const ticket = answer.setCookies.find((line) => line.startsWith('IG_SESSION_ID=v1.'))?.split(';')[0] ?? ''
      assert.match(answer.headers['cache-control'] ?? '', /no-store/)
      assert.equal(
        answer.setCookies.some((line) => line.startsWith('wso2_session_id=;')),
        name === 'wso2_session_id',
      )
      assert.equal((await go(ticket)).status, 200)
      assert.equal((await go(`${name}=${id}`)).status, 302)
      assert.equal(await redis.command('EXISTS', `session:${id}`), 0)
    })
  }

  test('of a page that asks for several things at once, one session comes', async () => {
    const cookie = `IG_SESSION_ID=${await seed('id-of-ada')}`
    const answers = await Promise.all(Array.from({ length: 8 }, () => go(cookie)))
    const tickets = new Set(answers.flatMap(({ setCookies }) => setCookies.filter((line) => line.includes('=v1.'))))
    assert.ok(answers.some(({ status }) => status === 200))
    assert.equal(tickets.size, 1)
  })

  test('a script and a form are taken along too', async () => {
    const cookie = `IG_SESSION_ID=${await seed('id-of-ada')}`
    const answer = await go(cookie, { 'sec-fetch-mode': 'cors', accept: 'application/json' })
    assert.equal(answer.status, 200)
    assert.ok(answer.setCookies.some((line) => line.startsWith('IG_SESSION_ID=v1.')))
  })

  test('on the decision API the page is asked for once more with the new ticket, which the gateway hands on', async () => {
    const cookie = `IG_SESSION_ID=${await seed('id-of-ada')}`
    const ask = (sent: string) =>
      new Visitor().go(`${sample.oathkeeper.apiUrl}/decisions?a=b`, {
        headers: {
          cookie: sent,
          'x-forwarded-proto': 'http',
          'x-forwarded-host': new URL(sample.door).host,
          'x-forwarded-uri': '/home/page?a=b',
        },
      })
    const answer = await ask(cookie)
    assert.equal(answer.status, 302)
    assert.equal(answer.headers['location'], '/home/page?a=b')
    const ticket = answer.setCookies[0]?.split(';')[0] ?? ''
    assert.equal((await ask(ticket)).status, 200)
    assert.equal((await ask(cookie)).status, 302)
  })

  test('a logout with an old cookie ends it here, and at the provider by its ID token', async () => {
    const id = await seed('id-of-ada')
    const answer = await new Visitor().go(`${sample.door}/logout`, { headers: { cookie: `IG_SESSION_ID=${id}` } })
    assert.equal(answer.status, 302)
    const hint = new URL(answer.headers['location'] ?? '').searchParams.get('id_token_hint') ?? ''
    assert.ok(sample.provider.tokens.includes(hint))
    assert.equal(await redis.command('EXISTS', `session:${id}`), 0)
  })

  test('fork 17: nothing in Redis can be used or read by who copies it', async () => {
    const visitor = new Visitor()
    await signIn(visitor, await visitor.follow(`${sample.door}/home/x`))
    const [, ...parts] = (visitor.cookie('127.0.0.1', 'IG_SESSION_ID') ?? '').split('.')
    const keys = (await redis.command('KEYS', '*')) as string[]
    const dump = await Promise.all(
      keys.map(async (key) => {
        const type = await redis.command('TYPE', key)
        return type === 'string' ? String(await redis.command('GET', key)) : ''
      }),
    )
    const text = keys.join(' ') + dump.join(' ')
    assert.ok(keys.length > 1)
    for (const secret of [...parts, ...sample.provider.tokens]) assert.ok(!text.includes(secret))
  })
})
