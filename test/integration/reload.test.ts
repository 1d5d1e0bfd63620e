import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startOathkeeper, type OathkeeperProcess } from '../support/oathkeeper.ts'

const NOTICED_WITHIN_MS = 5000

const CONFIG = {
  authenticators: { noop: { enabled: true }, unauthorized: { enabled: true } },
  authorizers: { allow: { enabled: true }, deny: { enabled: true } },
  mutators: { noop: { enabled: true } },
  errors: { fallback: ['json'] },
}

function rule(id: string, path: string, authorizer = 'allow'): Record<string, unknown> {
  return {
    id,
    match: { url: `http://app.example${path}`, methods: ['GET'] },
    authenticators: [{ handler: 'noop' }],
    authorizer: { handler: authorizer },
    mutators: [{ handler: 'noop' }],
    upstream: { url: 'http://127.0.0.1:1' },
  }
}

async function decide(app: OathkeeperProcess, path: string): Promise<number> {
  const answer = await fetch(`${app.apiUrl}/decisions`, {
    headers: {
      'X-Forwarded-Method': 'GET',
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'app.example',
      'X-Forwarded-Uri': path,
    },
  })
  await answer.arrayBuffer()
  return answer.status
}

function becomes(app: OathkeeperProcess, path: string, status: number): Promise<number> {
  return eventually(
    () => decide(app, path),
    (now) => now === status,
    NOTICED_WITHIN_MS,
  )
}

/** As editors and deployments do it: a new file, renamed over the old one. */
function replaceFile(file: string, content: string): void {
  writeFileSync(`${file}.new`, content)
  renameSync(`${file}.new`, file)
}

/** What the kubelet does when a ConfigMap changes. */
function swapVolume(mount: string, name: string, rules: readonly unknown[]): void {
  mkdirSync(join(mount, name), { recursive: true })
  writeFileSync(join(mount, name, 'rules.json'), JSON.stringify(rules))
  symlinkSync(name, join(mount, '..data_tmp'))
  renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
}

describe('files that change under a running Oathkeeper', { concurrency: 2 }, () => {
  test('a rule file written in place is taken up', async () => {
    await using app = await startOathkeeper({ config: CONFIG, rules: [rule('one', '/one')] })
    assert.deepEqual([await decide(app, '/one'), await decide(app, '/two')], [200, 404])
    writeFileSync(app.rulesFile, JSON.stringify([rule('one', '/one', 'deny'), rule('two', '/two')]))
    await becomes(app, '/two', 200)
    assert.equal(await decide(app, '/one'), 403)
  })

  test('FM-34: a rule file that is broken changes nothing, is named in log, and is taken up when mended', async () => {
    await using app = await startOathkeeper({ config: CONFIG, rules: [rule('one', '/one')] })
    for (const broken of ['[{ "id": ', JSON.stringify([rule('two', '/two'), rule('bad', '/<(>')])]) {
      const seen = app.log().length
      replaceFile(app.rulesFile, broken)
      await eventually(
        () => app.log().slice(seen),
        (log) => log.includes('rules.json'),
        NOTICED_WITHIN_MS,
      )
      assert.equal(await decide(app, '/one'), 200)
      assert.equal(await decide(app, '/two'), 404)
      const health = await fetch(`${app.apiUrl}/health/ready`)
      assert.equal(health.status, 200, 'the last good rules are in force')
    }
    replaceFile(app.rulesFile, JSON.stringify([rule('two', '/two')]))
    await becomes(app, '/two', 200)
    assert.equal(await decide(app, '/one'), 404)
  })

  test('a source that was never good keeps readiness red and names itself; mended, it turns green', async () => {
    const app = await startOathkeeper({
      config: { ...CONFIG, access_rules: { repositories: ['file://rules.json', 'file://more.json'] } },
      rules: [rule('one', '/one')],
      waitForReady: false,
    })
    await using _ = app
    const ready = (): Promise<{ status: number; text: string }> =>
      fetch(`${app.apiUrl}/health/ready`).then(
        async (answer) => ({ status: answer.status, text: await answer.text() }),
        () => ({ status: 0, text: '' }),
      )
    const red = await eventually(ready, ({ status }) => status === 503, NOTICED_WITHIN_MS)
    assert.match(red.text, /more\.json/)
    await becomes(app, '/one', 200)
    writeFileSync(join(dirname(app.rulesFile), 'more.json'), JSON.stringify([rule('more', '/more')]))
    await eventually(ready, ({ status }) => status === 200, NOTICED_WITHIN_MS)
    assert.equal(await decide(app, '/more'), 200)
  })

  test('a configuration that changes is taken up; one that is refused changes nothing', async () => {
    await using app = await startOathkeeper({ config: CONFIG, rules: [rule('one', '/one')] })
    const config = JSON.parse(readFileSync(app.configFile, 'utf8')) as Record<string, Record<string, unknown>>
    const seen = app.log().length
    replaceFile(app.configFile, JSON.stringify({ ...config, authorizers: { allow: { enabled: 'perhaps' } } }))
    await eventually(
      () => app.log().slice(seen),
      (log) => log.includes('authorizers.allow.enabled'),
      NOTICED_WITHIN_MS,
    )
    assert.equal(await decide(app, '/one'), 200)
    // With `allow` switched off the rule names a handler that does not exist: what it matches is 500.
    replaceFile(app.configFile, JSON.stringify({ ...config, authorizers: { deny: { enabled: true } } }))
    await becomes(app, '/one', 500)
    replaceFile(app.configFile, JSON.stringify(config))
    await becomes(app, '/one', 200)
  })

  test('the swap of a Kubernetes volume (a new folder behind the ..data link) is taken up', async () => {
    await using app = await startOathkeeper({
      config: { ...CONFIG, access_rules: { repositories: ['file://mounted/rules.json'] } },
      rules: [],
      prepare: (folder) => {
        swapVolume(join(folder, 'mounted'), '..1', [rule('one', '/one')])
        symlinkSync('..data/rules.json', join(folder, 'mounted/rules.json'))
      },
    })
    assert.equal(await decide(app, '/one'), 200)
    swapVolume(join(dirname(app.configFile), 'mounted'), '..2', [rule('two', '/two')])
    await becomes(app, '/two', 200)
    assert.equal(await decide(app, '/one'), 404)
  })
})
