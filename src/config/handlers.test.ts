import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { accept, refuse } from '../../test/support/config.ts'
import type { HandlerSchema } from './schema/handlers.ts'

const HANDLERS: readonly HandlerSchema[] = [
  { kind: 'authenticators', type: 'noop', schema: undefined },
  { kind: 'authenticators', type: 'anonymous', schema: z.strictObject({ subject: z.string().default('anonymous') }) },
  {
    kind: 'authenticators',
    type: 'mine',
    schema: z.strictObject({ url: z.url('must be a URL'), retries: z.int().max(9).default(1) }),
  },
  { kind: 'mutators', type: 'header', schema: z.strictObject({ headers: z.record(z.string(), z.string()) }) },
  {
    kind: 'authorizers',
    type: 'remote',
    schema: z.strictObject({ remote: z.string(), token: z.string().meta({ writeOnly: true }).optional() }),
  },
]

const options = { handlers: HANDLERS }

test('a handler that is enabled has its configuration checked by its own schema', (t) => {
  assert.deepEqual(
    refuse(t, 'mutators:\n  header:\n    enabled: true\n    config:\n      headers: { X: 7 }\n', options),
    ['config.yaml:5: mutators.header.config.headers.X: must be a text, found 7'],
  )
  assert.match(
    refuse(t, 'authenticators: { mine: { enabled: true, config: { url: x, retris: 1, retries: 10 } } }', options).join(
      '\n',
    ),
    /url: must be a URL, found "x"\n.*retries: must be at most 9, found 10\n.*retris: is not a key here; did you mean retries\?/,
  )
})

test('with enabled: false, or without, the configuration is not checked', (t) => {
  for (const text of [
    'mutators: { header: { enabled: false, config: { nope: 1 } } }',
    'mutators: { header: { config: { nope: 1 } } }',
    'mutators: { header: { enabled: false, config: 7 } }',
  ]) {
    assert.equal(accept(t, text, options).config.handlers.mutators['header']?.enabled, false)
  }
})

test('the configuration stays as it is written, for rules to lay theirs on', (t) => {
  const { handlers } = accept(
    t,
    'authenticators: { anonymous: { enabled: true, config: {} }, noop: { enabled: true } }',
    options,
  ).config
  assert.deepEqual(handlers.authenticators, {
    anonymous: { enabled: true, config: {} },
    noop: { enabled: true, config: undefined },
  })
})

test('most handlers of Oathkeeper need a configuration when they are enabled, and do not mind further keys', (t) => {
  assert.deepEqual(refuse(t, 'mutators: { header: { enabled: true } }', options), [
    'config.yaml:1: mutators.header.config: is required when the handler is enabled',
  ])
  accept(t, 'mutators: { header: { enabled: true, config: { headers: {} }, more: 1 } }', options)
  accept(t, 'authenticators: { anonymous: { enabled: true } }', options)
  accept(t, 'errors: { handlers: { www_authenticate: { enabled: true, more: 1 }, json: { more: 1 } } }', options)
})

test('noop, unauthorized, allow and deny take a switch and nothing else', (t) => {
  const text =
    'authenticators: { noop: { enabled: true }, unauthorized: { enabled: true } }\nauthorizers: { allow: { enabled: true }, deny: {} }\nmutators: { noop: { enabled: false } }\n'
  accept(t, text, options)
  for (const kind of [
    'authenticators: { noop',
    'authenticators: { unauthorized',
    'authorizers: { allow',
    'authorizers: { deny',
    'mutators: { noop',
  ]) {
    assert.match(refuse(t, `${kind}: { enabled: true, config: {} } }`, options).join(), /config: is not a key here/)
  }
})

test('handlers of Oathkeeper that are not there yet are accepted, so that its configurations load', (t) => {
  accept(
    t,
    `authenticators: { jwt: { enabled: true, config: { jwks_urls: [ "https://a/" ] } }, oauth2_introspection: { enabled: true, config: { any: thing } } }
mutators: { hydrator: { enabled: true, config: { api: {} } }, id_token: { enabled: false } }
`,
    options,
  )
  assert.match(
    refuse(t, 'authenticators: { jtw: { enabled: true } }', options).join(),
    /authenticators\.jtw: is not a key here; did you mean jwt\?/,
  )
})

test('the error handler json is enabled unless it is switched off', (t) => {
  assert.equal(accept(t, 'errors: { handlers: {} }').config.handlers.errors['json']?.enabled, true)
  assert.equal(
    accept(t, 'errors: { handlers: { json: { config: {} } } }').config.handlers.errors['json']?.enabled,
    true,
  )
  assert.equal(
    accept(t, 'errors: { handlers: { json: { enabled: false } } }').config.handlers.errors['json']?.enabled,
    false,
  )
})

test('a switch is a boolean', (t) => {
  for (const enabled of ['1', '"true"', '~', '[]', 'yes']) {
    assert.match(
      refuse(t, `mutators: { header: { enabled: ${enabled} } }`, options).join(),
      /mutators\.header\.enabled: must be true or false, found/,
    )
  }
})

test('variables reach into the configuration of handlers, in the type that their schema wants', (t) => {
  const { handlers } = accept(t, 'authenticators: { mine: { enabled: true, config: { url: "https://a" } } }', {
    ...options,
    env: {
      AUTHENTICATORS_MINE_CONFIG_RETRIES: '3',
      MUTATORS_HEADER_ENABLED: 'true',
      MUTATORS_HEADER_CONFIG: '{"headers":{"X-User":"{{ print .Subject }}"}}',
      AUTHENTICATORS_JWT_ENABLED: 'true',
      AUTHENTICATORS_JWT_CONFIG: '{"jwks_urls":["https://a"]}',
    },
  }).config
  assert.deepEqual(handlers.authenticators['mine']?.config, { url: 'https://a', retries: 3 })
  assert.deepEqual(handlers.mutators['header'], {
    enabled: true,
    config: { headers: { 'X-User': '{{ print .Subject }}' } },
  })
  assert.equal(handlers.authenticators['jwt']?.enabled, true)
})

test('a secret of a handler can stand in a file', (t) => {
  const { handlers } = accept(
    t,
    'authorizers: { remote: { enabled: true, config: { remote: "https://a", token_file: t } } }',
    {
      ...options,
      files: { t: 'hunter2\n' },
    },
  ).config
  assert.deepEqual(handlers.authorizers['remote']?.config, { remote: 'https://a', token: 'hunter2' })
})
