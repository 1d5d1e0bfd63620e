import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { COMPATIBILITY, generate, noteOf, oathkeeperKeys, ownKeys } from '../../scripts/compatibility.ts'
import { KEY_NOTES } from '../../scripts/lib/compatibility/key-notes.ts'
import { AREAS } from '../../scripts/lib/compatibility/quirks.ts'
import { startApp } from '../../src/app.ts'
import { COMMON, type Scenario, SCENARIOS } from '../fixtures/compatibility/scenarios.ts'
import { askPublished, type PublishedAnswer, Services, setUp, tearDownPublished } from '../support/published.ts'

interface Recorded {
  readonly answer: PublishedAnswer
  readonly asked: readonly string[]
}

const ROOT = resolve(import.meta.dirname, '../..')
const ANSWERS = JSON.parse(readFileSync(resolve(ROOT, 'test/fixtures/compatibility/answers.json'), 'utf8')) as Readonly<
  Record<string, readonly Recorded[]>
>
const QUIRKS = AREAS.flatMap(({ quirks }) => quirks)

test('docs/compatibility.md is in step with its data (npm run compatibility)', () => {
  assert.equal(readFileSync(COMPATIBILITY, 'utf8'), generate())
})

test('every key of Oathkeeper exists, with its default, and every note is about such keys', () => {
  const own = ownKeys()
  const keys = [...oathkeeperKeys()]
  assert.deepEqual(
    keys.filter(([key]) => !own.has(key)),
    [],
  )
  // `errors.fallback` has its default where it is known whether there is a login.
  const other = keys.filter(
    ([key, value]) => value !== null && key !== 'errors.fallback' && !isSame(own.get(key), value),
  )
  assert.deepEqual(other, [])
  const used = new Set(keys.map(([key]) => noteOf(key)))
  assert.deepEqual(
    Object.values(KEY_NOTES).filter((note) => !used.has(note)),
    [],
  )
})

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

test('what is not the same has a reason, and what is shown by a test has that test', () => {
  for (const { oathkeeper, state, here, shown } of QUIRKS) {
    assert.ok(state === 'same' || here !== undefined, oathkeeper)
    if (shown === undefined) continue
    if ('scenario' in shown) assert.ok(ANSWERS[shown.scenario] !== undefined, `${oathkeeper}: ${shown.scenario}`)
    else {
      const text = readFileSync(resolve(ROOT, shown.test), 'utf8')
      assert.ok(
        shown.title !== '' && text.includes(shown.title),
        `${oathkeeper}: ${shown.test} has no “${shown.title}”`,
      )
    }
  }
  const told = QUIRKS.flatMap(({ shown }) => (shown !== undefined && 'scenario' in shown ? [shown.scenario] : []))
  assert.deepEqual(
    SCENARIOS.map(({ id }) => id).filter((id) => !told.includes(id)),
    [],
  )
})

/** What an answer means, without the wording of errors and of pages. */
function essence({ answer, asked }: Recorded): unknown {
  return { status: answer.status, headers: answer.headers, body: meaning(answer.body), asked }
}

function meaning(body: string): string {
  if (body.startsWith('<!doctype html>')) return 'a page'
  const code = /^\{"error":\{"code":(\d+)/.exec(body)?.[1]
  return code === undefined ? body : `error ${code}`
}

async function answersOf(scenario: Scenario): Promise<Recorded[]> {
  await using services = new Services()
  const setup = await setUp(await services.listen(), [
    ['oathkeeper.json', JSON.stringify({ ...COMMON, ...scenario.config })],
    ['rules.json', JSON.stringify(scenario.rules)],
  ])
  const ports = join(setup.folder, 'ports.json')
  const here = { host: '127.0.0.1', port: 0 }
  writeFileSync(ports, JSON.stringify({ serve: { proxy: here, api: here, prometheus: here } }))
  const sink = { write() {}, flushSync() {} }
  const app = await startApp({ configFiles: [setup.configFile, ports], env: {}, logSink: sink })
  try {
    services.take()
    const given: Recorded[] = []
    for (const ask of scenario.asks) {
      const { proxy, api } = app.addresses
      const answer = await askPublished({ proxy: proxy.port, api: api.port }, ask, setup.token)
      given.push({ answer, asked: services.take() })
    }
    return given
  } finally {
    await app.stop()
    tearDownPublished(setup)
  }
}

for (const scenario of SCENARIOS) {
  const rows = QUIRKS.filter(
    ({ shown }) => shown !== undefined && 'scenario' in shown && shown.scenario === scenario.id,
  )
  const isSameThere = rows.every(({ state }) => state === 'same')
  test(`compatibility: ${scenario.id} is ${isSameThere ? 'as in Oathkeeper' : 'safer than in Oathkeeper'}`, async () => {
    const given = (await answersOf(scenario)).map(essence)
    const recorded = ANSWERS[scenario.id]?.map(essence)
    if (isSameThere) assert.deepEqual(given, recorded)
    else assert.notDeepEqual(given, recorded)
  })
}
