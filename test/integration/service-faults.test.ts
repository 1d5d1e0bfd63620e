import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { FAULTS, type FaultName, type FaultyService, startFaultyService } from '../support/faulty-service.ts'
import { eventually } from '../support/eventually.ts'
import { type OathkeeperProcess, startOathkeeper } from '../support/oathkeeper.ts'
import { timed } from '../support/until.ts'

type Handler = { readonly handler: string; readonly config?: Readonly<Record<string, unknown>> }

/** A handler that asks the service at a URL, and how long it may take to give up. */
interface Asking {
  readonly place: 'authorizer' | 'mutator'
  readonly withinMs: number
  readonly at: (url: string) => Handler
}

/** What nobody answers is given up after `give_up_after` (1 s); Keto and key sets have no such key. */
const GIVE_UP_MS = 1_000
const KETO_GIVE_UP_MS = 5_000
const KEYS_GIVE_UP_MS = 10_000

const ASKING: Readonly<Record<string, Asking>> = {
  remote: {
    place: 'authorizer',
    withinMs: GIVE_UP_MS,
    at: (remote) => ({ handler: 'remote', config: { remote } }),
  },
  remote_json: {
    place: 'authorizer',
    withinMs: GIVE_UP_MS,
    at: (remote) => ({ handler: 'remote_json', config: { remote, payload: '{}' } }),
  },
  keto_engine_acp_ory: {
    place: 'authorizer',
    withinMs: KETO_GIVE_UP_MS,
    at: (url) => ({
      handler: 'keto_engine_acp_ory',
      config: { base_url: url, required_action: 'a', required_resource: 'r' },
    }),
  },
  hydrator: {
    place: 'mutator',
    withinMs: GIVE_UP_MS,
    at: (url) => ({ handler: 'hydrator', config: { api: { url }, cache: { enabled: true } } }),
  },
  id_token: {
    place: 'mutator',
    withinMs: KEYS_GIVE_UP_MS,
    at: (url) => ({ handler: 'id_token', config: { issuer_url: 'https://gate.example/', jwks_url: url } }),
  },
}

const HOST = 'http://app.example'
const FAULT_NAMES = Object.keys(FAULTS) as FaultName[]
/** A machine that is busy with other things. */
const SLACK_MS = 4_000
/** At most so many connections to one service. */
const CONNECTION_CAP = 128

describe('FM-32, H-04, V-047: a service that handlers ask does everything wrong', { concurrency: true }, () => {
  let service: FaultyService
  let oathkeeper: OathkeeperProcess
  let rssBefore: number

  before(async () => {
    service = await startFaultyService()
    oathkeeper = await startOathkeeper({ config: CONFIG, rules: rulesFor(service.url) })
    await decide('plain')
    rssBefore = rssOf(oathkeeper)
  })

  after(async () => {
    await oathkeeper.stop()
    await service[Symbol.asyncDispose]()
  })

  const decide = (path: string): Promise<Response> =>
    fetch(`${oathkeeper.apiUrl}/decisions`, {
      headers: { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'app.example', 'x-forwarded-uri': `/${path}` },
      signal: AbortSignal.timeout(30_000),
    })

  for (const [name, { withinMs }] of Object.entries(ASKING)) {
    test(`${name}: nobody is let in, and every request has its answer in time`, async () => {
      const outcomes = await Promise.all(
        [...FAULT_NAMES, 'dead'].map(async (fault) => {
          const { ms, value, error } = await timed(() => decide(`${name}/${fault}`))
          return { fault, status: value?.status, body: await value?.text(), error, late: ms > withinMs + SLACK_MS }
        }),
      )
      const wrong = outcomes.filter(({ status, late }) => status !== 500 || late)
      assert.deepEqual(wrong, [])
      for (const { body = '' } of outcomes) assert.ok(!body.includes(service.url.slice('http://'.length)), body)
    })
  }

  test('a rule that asks nobody is answered at once all the while', async () => {
    const slowest: number[] = []
    for (let i = 0; i < 40; i++) {
      const { ms, value } = await timed(() => decide('plain'))
      assert.equal(value?.status, 200)
      slowest.push(ms)
      await new Promise((done) => setTimeout(done, 25))
    }
    const [median = 0] = slowest.toSorted((a, b) => a - b).slice(slowest.length / 2)
    assert.ok(median < 250, `half of the answers took more than ${median} ms`)
  })

  test('A-34: what is beyond a redirect is never asked; connections and memory stay bounded', async () => {
    const burst = Array.from({ length: 300 }, () => decide('remote/silent'))
    const statuses = await Promise.all(burst.map(async (answer) => (await answer).status))
    assert.deepEqual([...new Set(statuses)], [500])
    assert.equal(service.elsewhere.visits, 0)
    // The service may still count one that was closed while its successor opens.
    assert.ok(service.maxConnections <= CONNECTION_CAP + 8, `${service.maxConnections} connections`)
    await eventually(
      () => service.connections,
      (open) => open <= CONNECTION_CAP,
      15_000,
    )
    const grownMiB = (rssOf(oathkeeper) - rssBefore) / 1024
    assert.ok(grownMiB < 200, `grew by ${grownMiB} MiB`)
    assert.equal((await decide('plain')).status, 200)
  })
})

const ON = { enabled: true }
const URL_OF_NOBODY = 'http://127.0.0.1:1'

const CONFIG = {
  log: { level: 'error' },
  authenticators: { anonymous: ON },
  authorizers: {
    allow: ON,
    remote: { enabled: true, config: { remote: URL_OF_NOBODY } },
    remote_json: { enabled: true, config: { remote: URL_OF_NOBODY, payload: '{}' } },
    keto_engine_acp_ory: {
      enabled: true,
      config: { base_url: URL_OF_NOBODY, required_action: 'a', required_resource: 'r' },
    },
  },
  mutators: {
    noop: ON,
    hydrator: { enabled: true, config: { api: { url: URL_OF_NOBODY } } },
    id_token: { enabled: true, config: { issuer_url: 'i', jwks_url: URL_OF_NOBODY } },
  },
}

function rulesFor(service: string): Record<string, unknown>[] {
  const rule = (path: string, asking: Partial<Record<Asking['place'], Handler>> = {}): Record<string, unknown> => ({
    id: path,
    match: { url: `${HOST}/${path}`, methods: ['GET'] },
    authenticators: [{ handler: 'anonymous' }],
    authorizer: asking.authorizer ?? { handler: 'allow' },
    mutators: [asking.mutator ?? { handler: 'noop' }],
  })
  const asking = Object.entries(ASKING).flatMap(([name, { place, at }]) =>
    [...FAULT_NAMES, 'dead'].map((fault) =>
      rule(`${name}/${fault}`, { [place]: at(fault === 'dead' ? URL_OF_NOBODY : `${service}/${fault}/${name}`) }),
    ),
  )
  return [rule('plain'), ...asking]
}

/** Resident memory in KiB. */
function rssOf({ pid }: OathkeeperProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
