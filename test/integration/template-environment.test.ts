import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TemplateReach } from '../../src/app/template-reach.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { startOathkeeper } from '../support/oathkeeper.ts'
import { createTestClock } from '../support/test-clock.ts'

const header = (template: string): Record<string, unknown> => ({
  handler: 'header',
  config: { headers: { 'X-Out': template } },
})

const rule = (id: string, template: string): Record<string, unknown> => ({
  id,
  match: { url: `http://app.example/${id}`, methods: ['GET'] },
  authenticators: [{ handler: 'anonymous' }],
  authorizer: { handler: 'allow' },
  mutators: [header(template)],
})

const HANDLERS = {
  log: { level: 'error' },
  authenticators: { anonymous: { enabled: true } },
  authorizers: { allow: { enabled: true } },
  mutators: { header: { enabled: true, config: { headers: {} } } },
}

async function ask(apiUrl: string, id: string): Promise<[number, string | null]> {
  const answer = await fetch(`${apiUrl}/decisions`, {
    headers: { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'app.example', 'x-forwarded-uri': `/${id}` },
  })
  return [answer.status, answer.headers.get('x-out')]
}

describe('templates.environment', () => {
  test('lets templates read the variables and look up the hosts that it names, and no others', async () => {
    const environment = { variables: ['REGION'], hosts: ['localhost'] }
    await using oathkeeper = await startOathkeeper({
      config: { ...HANDLERS, templates: { environment } },
      rules: [
        rule('env', '{{ env "REGION" }} {{ expandenv "in $REGION" }}'),
        rule('secret', '{{ env "PATH" }}'),
        rule('host', '{{ getHostByName "localhost" }}'),
        rule('elsewhere', '{{ getHostByName "example.com" }}'),
      ],
      env: { REGION: 'eu-1' },
    })
    assert.deepEqual(await ask(oathkeeper.apiUrl, 'env'), [200, 'eu-1 in eu-1'])
    assert.deepEqual(await ask(oathkeeper.apiUrl, 'secret'), [500, null])
    const [status, address] = await ask(oathkeeper.apiUrl, 'host')
    assert.equal(status, 200)
    assert.match(address ?? '', /^(127\.0\.0\.1|::1)$/)
    assert.deepEqual(await ask(oathkeeper.apiUrl, 'elsewhere'), [500, null])
  })

  test('names nothing by default: templates with these functions load, and fail', async () => {
    await using oathkeeper = await startOathkeeper({
      config: HANDLERS,
      rules: [rule('env', '{{ env "REGION" }}'), rule('host', '{{ getHostByName "localhost" }}')],
      env: { REGION: 'eu-1' },
    })
    assert.deepEqual(await ask(oathkeeper.apiUrl, 'env'), [500, null])
    assert.deepEqual(await ask(oathkeeper.apiUrl, 'host'), [500, null])
  })

  test('keeps the addresses found last while a host cannot be looked up', async () => {
    const clock = createTestClock()
    let answer: string[] | undefined = ['10.0.0.1']
    const lookUp = async (): Promise<string[]> => {
      if (answer === undefined) throw Object.assign(new Error('no'), { code: 'EAI_AGAIN' })
      return answer
    }
    const reach = new TemplateReach({ env: {}, clock, logger: silentLogger, lookUp })
    const config = { environment: { variables: [], hosts: ['db.internal'] } }
    await reach.follow(config)
    const { resolveHost } = reach.of(config)
    assert.equal(resolveHost?.('db.internal'), '10.0.0.1')
    answer = undefined
    clock.advance(30_000)
    await Promise.resolve()
    assert.equal(resolveHost?.('db.internal'), '10.0.0.1')
    await new Promise<void>((resolve) => setImmediate(resolve))
    answer = ['10.0.0.2']
    clock.advance(30_000)
    await new Promise<void>((resolve) => setImmediate(resolve))
    assert.equal(resolveHost?.('db.internal'), '10.0.0.2')
    reach.close()
  })

  test('reads all variables where it says so', () => {
    const reach = new TemplateReach({ env: { A: '1', B: '2' }, clock: createTestClock(), logger: silentLogger })
    const { readVariable, resolveHost } = reach.of({ environment: { variables: ['*'], hosts: [] } })
    assert.deepEqual([readVariable?.('A'), readVariable?.('B'), readVariable?.('C')], ['1', '2', ''])
    assert.equal(resolveHost, undefined)
  })
})
