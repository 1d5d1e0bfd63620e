import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPath } from '../lib/document.ts'
import { readRules } from './wire.ts'

function read(rule: Record<string, unknown>) {
  const { rules, problems } = readRules([{ match: { url: 'http://h/', methods: ['GET'] }, ...rule }])
  return { rule: rules[0], problems: problems.map(({ path, message }) => `${formatPath(path)}: ${message}`) }
}

const RETRY = { delay_in_milliseconds: 500, number_of_retries: 5, other: 1 }
const hydrator = (retry: Record<string, unknown>) => [{}, { handler: 'hydrator', config: { api: { url: 'x' }, retry } }]

test('the retries of a hydrator written before 0.32.0 become durations', () => {
  for (const version of ['v0.30.0-beta.1', '0.19.0', 'v0.32.0-beta.1+oryOS.12']) {
    const { rule, problems } = read({ version, mutators: hydrator(RETRY) })
    assert.deepEqual(problems, [])
    assert.deepEqual(rule?.mutators[1]?.config, {
      api: { url: 'x' },
      retry: { max_delay: '500ms', give_up_after: '2500ms', other: 1 },
    })
  }
})

test('without a delay it is 100 ms', () => {
  const { rule } = read({ version: 'v0.30.0', mutators: hydrator({ number_of_retries: 3 }) })
  assert.deepEqual(rule?.mutators[1]?.config?.['retry'], { give_up_after: '300ms' })
})

const keto = {
  handler: 'keto_engine_acp_ory',
  config: { required_action: 'a:$1', required_resource: 'r:$12:x:$2', flavor: 'exact' },
}
const group = (number: number) => `{{ printIndex .MatchContext.RegexpCaptureGroups (sub ${number} 1 | int)}}`

test('what Keto is asked, written before 0.37.0, becomes a template', () => {
  for (const version of ['v0.33.0', '0.37.0', 'v0.19.0-beta.1']) {
    const { rule } = read({ version, authorizer: keto })
    assert.deepEqual(rule?.authorizer.config, {
      required_action: `a:${group(1)}`,
      required_resource: `r:${group(12)}:x:${group(2)}`,
      flavor: 'exact',
    })
  }
})

test('newer rules and rules without a version are left as they are', () => {
  for (const version of ['', undefined, 'v0.37.1', 'v26.2.0', 'v99.0.0']) {
    const { rule, problems } = read({ version, authorizer: keto, mutators: hydrator(RETRY) })
    assert.deepEqual(problems, [])
    assert.deepEqual(rule?.authorizer.config, keto.config)
    assert.deepEqual(rule?.mutators[1]?.config?.['retry'], RETRY)
  }
})

test('a version that is none is a mistake in the source', () => {
  assert.deepEqual(read({ version: '42' }).problems, [
    '[0].version: must be a version of Oathkeeper such as v0.40.0, found "42"',
  ])
})
