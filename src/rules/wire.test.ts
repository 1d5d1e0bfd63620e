import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPath } from '../lib/document.ts'
import { readRules } from './wire.ts'

function problemsOf(document: unknown): string[] {
  return readRules(document).problems.map(({ path, message }) => `${formatPath(path)}: ${message}`)
}

const MATCH = { url: 'http://h/', methods: ['GET'] }

test('a rule is read with all its parts', () => {
  const config = { headers: { 'X-User': 'x' } }
  const { rules, problems } = readRules([
    {
      id: 'a',
      version: 'v0.36.0',
      description: 'd',
      match: MATCH,
      authenticators: [{ handler: 'anonymous', config: { subject: 's' } }, { handler: 'noop' }],
      authorizer: { handler: 'allow' },
      mutators: [{ handler: 'header', config }],
      errors: [{ handler: 'json' }],
      upstream: { url: 'http://u', preserve_host: true, strip_path: '/x' },
    },
  ])
  assert.deepEqual(problems, [])
  assert.deepEqual(rules, [
    {
      id: 'a',
      version: 'v0.36.0',
      description: 'd',
      match: { kind: 'http', methods: ['GET'], url: 'http://h/' },
      authenticators: [
        { handler: 'anonymous', config: { subject: 's' } },
        { handler: 'noop', config: undefined },
      ],
      authorizer: { handler: 'allow', config: undefined },
      mutators: [{ handler: 'header', config }],
      errors: [{ handler: 'json', config: undefined }],
      upstream: { url: 'http://u', preserveHost: true, stripPath: '/x' },
    },
  ])
})

test('what is absent or null has its zero value', () => {
  for (const extra of [{}, { id: null, authenticators: null, authorizer: null, upstream: null, errors: null }]) {
    const { rules, problems } = readRules([{ match: { url: null, methods: null }, ...extra }])
    assert.deepEqual(problems, [])
    assert.deepEqual(rules[0], {
      id: '',
      version: '',
      description: '',
      match: { kind: 'http', methods: [], url: '' },
      authenticators: [],
      authorizer: { handler: '', config: undefined },
      mutators: [],
      errors: [],
      upstream: { url: '', preserveHost: false, stripPath: '' },
    })
  }
})

test('names of keys are compared without regard to case, and unknown ones ignored', () => {
  const { rules, problems } = readRules([
    { ID: 'a', MATCH: { Url: 'http://h/', METHODS: ['GET'], headers: {} }, extra: 1 },
  ])
  assert.deepEqual(problems, [])
  assert.equal(rules[0]?.id, 'a')
  assert.deepEqual(rules[0]?.match, { kind: 'http', methods: ['GET'], url: 'http://h/' })
})

test('of several spellings of a key the last counts: in YAML, which Go sorts, the one that sorts last', () => {
  const read = (document: object, isYaml = false): string | undefined =>
    readRules([{ match: MATCH, ...document }], isYaml).rules[0]?.description
  assert.equal(read({ description: 'a', Description: 'b' }), 'b')
  assert.equal(read({ Description: 'b', description: 'a' }), 'a')
  assert.equal(read({ description: 'a', Description: 'b' }, true), 'a')
  assert.equal(read({ deſcription: 'a', description: 'b' }, true), 'a')
})

test('a rule is migrated by the key "version" alone', () => {
  assert.deepEqual(problemsOf([{ match: MATCH, version: 'x' }]).length, 1)
  assert.equal(readRules([{ match: MATCH, Version: 'x' }]).rules[0]?.version, 'x')
})

test('"Match" is the one spelling that Oathkeeper takes no rule with', () => {
  assert.deepEqual(problemsOf([{ Match: MATCH }]), ['[0].Match: must be written "match"'])
  assert.deepEqual(problemsOf([{ Match: null, match: MATCH }]), [])
})

test('the presence of full_method, so spelled, makes a rule for RPC', () => {
  assert.deepEqual(
    readRules([{ match: { full_method: 'S/M', authority: 'a', allow_http_get: true } }]).rules[0]?.match,
    {
      kind: 'rpc',
      authority: 'a',
      fullMethod: 'S/M',
      allowHttpGet: true,
    },
  )
  assert.equal(readRules([{ match: { full_method: null } }]).rules[0]?.match?.kind, 'rpc')
  assert.equal(readRules([{ match: { Full_Method: 'x' } }]).rules[0]?.match?.kind, 'http')
})

test('an empty document has no rules', () => {
  assert.deepEqual(readRules(undefined), { rules: [], problems: [], warnings: [] })
  assert.deepEqual(readRules(null), { rules: [], problems: [], warnings: [] })
  assert.deepEqual(readRules([]), { rules: [], problems: [], warnings: [] })
})

const MISTAKES: readonly (readonly [document: unknown, told: string[]])[] = [
  [{ id: 'a' }, [': must be a list of rules']],
  ['x', [': must be a list of rules']],
  [[7], ['[0]: must be an object, found a number', '[0].match: is missing: without it the rule would match nothing']],
  [[{ id: 7, match: MATCH }], ['[0].id: must be a text, found a number']],
  [[{ match: [] }], ['[0].match: must be an object, found a list']],
  [[{ match: { methods: 'GET' } }], ['[0].match.methods: must be a list, found a string']],
  [[{ match: { methods: ['GET', 1] } }], ['[0].match.methods[1]: must be a text, found a number']],
  [[{ match: MATCH }, { match: MATCH, authenticators: {} }], ['[1].authenticators: must be a list, found an object']],
  [[{ match: MATCH, mutators: ['header'] }], ['[0].mutators[0]: must be an object, found a string']],
  [
    [{ match: MATCH, errors: [{ handler: 'json', config: [] }] }],
    ['[0].errors[0].config: must be an object, found a list'],
  ],
  [
    [{ match: MATCH, upstream: { preserve_host: 'true' } }],
    ['[0].upstream.preserve_host: must be true or false, found a string'],
  ],
  [[{ match: { full_method: 'a', authority: 1 } }], ['[0].match.authority: must be a text, found a number']],
]

for (const [document, told] of MISTAKES) {
  test(`a part of the wrong type is told with its place: ${JSON.stringify(document)}`, () => {
    assert.deepEqual(problemsOf(document), told)
  })
}

test('problems name the rule where it has an id', () => {
  assert.equal(readRules([{ id: 'broken', match: 7 }]).problems[0]?.ruleId, 'broken')
})

test('keys that are none are ignored, with a warning that says what was probably meant', () => {
  const { rules, problems, warnings } = readRules([
    {
      id: 'a',
      match: { url: 'http://h/', method: ['GET'] },
      Authenticators: [{ handler: 'noop', conf: {} }],
      error: [],
      upstream: { url: 'http://u/', preserve_hosts: true },
    },
    { match: { full_method: 'S/M', authority: 'a', methods: [] } },
  ])
  assert.equal(rules.length, 2)
  assert.deepEqual(problems, [])
  assert.deepEqual(
    warnings.map(({ path, message, ruleId }) => `${ruleId ?? ''} ${formatPath(path)}: ${message}`),
    [
      'a [0].match.method: is not a key here and is ignored; did you mean methods?',
      'a [0].authenticators[0].conf: is not a key here and is ignored',
      'a [0].upstream.preserve_hosts: is not a key here and is ignored; did you mean preserve_host?',
      'a [0].error: is not a key here and is ignored; did you mean errors?',
      ' [1].match.methods: is not a key here and is ignored',
    ],
  )
})
