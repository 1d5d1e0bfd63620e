import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startFakeAzure } from '../support/fake-azure.ts'
import { startFakeGcs } from '../support/fake-gcs.ts'
import { startFakeS3 } from '../support/fake-s3.ts'
import type { FakeStore } from '../support/fake-store.ts'
import { makeJwk, publicHalf } from '../support/jwks.ts'
import { startOathkeeper, type OathkeeperProcess } from '../support/oathkeeper.ts'
import { signJwt } from '../support/sign-jwt.ts'

interface Clouds {
  readonly s3: FakeStore
  readonly gs: FakeStore
  readonly azblob: FakeStore
  readonly env: Readonly<Record<string, string>>
}

async function startClouds(t: TestContext): Promise<Clouds> {
  const [s3, gs, azblob] = await Promise.all([startFakeS3(t), startFakeGcs(t), startFakeAzure(t)])
  // A variable that is to be unset is empty for a process of its own.
  const set = Object.entries({ ...s3.env, ...gs.env, ...azblob.env }).map(
    ([name, value]) => [name, value ?? ''] as const,
  )
  return { s3, gs, azblob, env: Object.fromEntries(set) }
}

function rule(id: string, authenticator: object = { handler: 'noop' }, mutator: object = { handler: 'noop' }): object {
  return {
    id,
    match: { url: `http://<.*>/${id}`, methods: ['GET'] },
    authenticators: [authenticator],
    authorizer: { handler: 'allow' },
    mutators: [mutator],
  }
}

function put(store: FakeStore, key: string, document: unknown): void {
  store.objects.set(key, Buffer.from(JSON.stringify(document)))
}

function start({ env }: Clouds, waitForReady = true): Promise<OathkeeperProcess> {
  const locations = ['s3://rules/team/s3.json', 'gs://rules/team/gs.json?x=qu3ry', 'azblob://rules/team/azblob.json']
  const config = {
    authenticators: {
      noop: { enabled: true },
      jwt: { enabled: true, config: { jwks_urls: ['gs://keys/jwks.json'], allowed_algorithms: ['EdDSA'] } },
    },
    authorizers: { allow: { enabled: true } },
    mutators: {
      noop: { enabled: true },
      id_token: { enabled: true, config: { issuer_url: 'https://gate.example/', jwks_url: 's3://keys/signing.json' } },
    },
    access_rules: { repositories: locations, refresh_interval: '1s' },
  }
  return startOathkeeper({ config, rules: [], env, waitForReady })
}

async function decide(app: OathkeeperProcess, id: string, headers: Record<string, string> = {}): Promise<Response> {
  const answer = await fetch(`${app.apiUrl}/decisions/${id}`, { headers })
  await answer.arrayBuffer()
  return answer
}

test('rules and key sets are taken from s3://, gs:// and azblob://, and rules are kept up to date', async (t) => {
  const clouds = await startClouds(t)
  const { s3, gs, azblob } = clouds
  const [key, signing] = [makeJwk('theirs', 'EdDSA'), makeJwk('ours', 'ES256')]
  put(gs, 'keys/jwks.json', { keys: [publicHalf(key)] })
  put(s3, 'keys/signing.json', { keys: [signing] })
  put(s3, 'rules/team/s3.json', [rule('s3')])
  put(gs, 'rules/team/gs.json', [rule('gs', { handler: 'jwt' }, { handler: 'id_token' })])
  put(azblob, 'rules/team/azblob.json', [rule('azblob')])
  await using app = await start(clouds)
  assert.equal((await decide(app, 's3')).status, 200)
  assert.equal((await decide(app, 'azblob')).status, 200)

  const exp = Math.floor(Date.now() / 1000) + 60
  const token = signJwt(key, { sub: 'me', exp })
  const signed = await decide(app, 'gs', { authorization: `Bearer ${token}` })
  assert.equal(signed.status, 200)
  const [head = ''] = (signed.headers.get('authorization') ?? '').replace('Bearer ', '').split('.')
  assert.equal(JSON.parse(Buffer.from(head, 'base64url').toString()).kid, 'ours')

  put(s3, 'rules/team/s3.json', [rule('newer')])
  azblob.refuses = true
  await eventually(
    async () => (await decide(app, 'newer')).status,
    (status) => status === 200,
    10_000,
  )
  await eventually(
    () => app.log(),
    (log) => /its last good rules stay in force: .*azblob:..rules.team.azblob.json answered 403, and not 200/.test(log),
    10_000,
  )
  assert.equal((await decide(app, 'azblob')).status, 200)
  await eventually(
    () => [s3, gs].every(({ seen }) => seen.some(({ status }) => status === 304)),
    (is) => is,
    10_000,
  )
  const sources = await (await fetch(`http://127.0.0.1:${app.ports.metrics}/metrics`)).text()
  assert.doesNotMatch(app.log() + sources, /s3cret|qu3ry|AKIAFAKE|sig=/)
})

test('a store that refuses at the start keeps readiness red and holds up nobody; all is well when it does not', async (t) => {
  const clouds = await startClouds(t)
  clouds.s3.refuses = true
  put(clouds.s3, 'rules/team/s3.json', [rule('s3')])
  put(clouds.gs, 'rules/team/gs.json', [rule('gs')])
  put(clouds.azblob, 'rules/team/azblob.json', [rule('azblob')])
  await using app = await start(clouds, false)
  await eventually(
    async () => (await decide(app, 'gs').catch(() => undefined))?.status,
    (status) => status === 200,
    20_000,
  )
  const ready = await fetch(`${app.apiUrl}/health/ready`)
  assert.deepEqual([ready.status, (await ready.text()).includes('s3://rules/team/s3.json')], [503, true])
  clouds.s3.refuses = false
  await eventually(
    async () => (await fetch(`${app.apiUrl}/health/ready`)).status,
    (status) => status === 200,
    10_000,
  )
  assert.equal((await decide(app, 's3')).status, 200)
  assert.doesNotMatch(app.log(), /s3cret|AKIAFAKE/)
})
