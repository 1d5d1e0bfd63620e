import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'node:test'
import { accept, load } from '../../test/support/config.ts'

const SECRET = 'hunter2'

/** Mistakes of which each is made with a secret at hand. */
const MISTAKES: Record<string, string> = {
  'a secret of the wrong type': `session_store: { type: redis, redis: { addr: "a:1", password: [ ${SECRET} ] } }`,
  'a secret that is a number': 'session_store: { type: redis, redis: { addr: "a:1", password: 20072007 } }',
  'a secret under a misspelt key': `session_store: { type: redis, redis: { addr: "a:1", passwrd: ${SECRET} } }`,
  'a password in the address': `session_store: { type: redis, redis: { addr: "redis://user:${SECRET}@a:1" } }`,
  'a password in the address, with an at sign': `session_store: { type: redis, redis: { addr: "redis://:p@${SECRET}@a:1" } }`,
  'a password in an issuer': `login: { base_url: https://a.example, providers: [ { id: a, issuer: "https://u:${SECRET}@id.example", client_id: a } ] }`,
  'a token in the query of an issuer': `login: { base_url: https://a.example, providers: [ { id: a, issuer: "https://id.example?t=${SECRET}", client_id: a } ] }`,
  'a variable in the wrong place': 'serve: { proxy: { port: "${VARIABLE}" } }',
  'a variable in a text with rules': 'log: { level: "${VARIABLE}" }',
  'a variable in a default': 'log: { level: "x${NOPE:-hunter2}" }',
  'a missing variable beside a secret': 'log: { redaction_text: "${VARIABLE} ${NOPE}" }',
  'YAML that does not parse, at a secret': `session_store:\n  redis:\n    password: *${SECRET}\n`,
  'YAML that does not parse, below a secret': `session_store:\n  redis:\n    password: ${SECRET}\n   ttl: 1h\n`,
  'YAML with a double key': `${SECRET}: 1\n${SECRET}: 2\n`,
  'YAML with an open quote': `a: "${SECRET}\nb: ${SECRET}\n`,
  'base64 that is none': `serve: { api: { tls: { key: { base64: "${SECRET}!" }, cert: { path: x } } } }`,
  'a secret in a header of a handler': `authorizers: { remote: { enabled: ${SECRET}, config: { headers: { Authorization: ${SECRET} } } } }`,
  'a secret as a switch': `authenticators: { oauth2_introspection: { enabled: true, config: ${SECRET} } }`,
}

test('no mistake makes a secret appear in what is told', (t) => {
  const env = { VARIABLE: SECRET, SERVE_API_PORT: 'x' }
  for (const [mistake, text] of Object.entries(MISTAKES)) {
    const problems = load(t, text, { env })
    assert.ok(Array.isArray(problems), mistake)
    assert.doesNotMatch(problems.join('\n'), /hunter2|20072007/, `${mistake}: ${problems.join('\n')}`)
  }
})

test('nor do JSON and TOML that do not parse, nor variables', (t) => {
  const files = {
    'a.json': `{ "password": "${SECRET}" "x": ${SECRET} }`,
    'a.toml': `password = "${SECRET}"\nx = ${SECRET}\n`,
  }
  for (const name of Object.keys(files)) assert.doesNotMatch(String(load(t, '', { files, load: [name] })), /hunter2/)
  const env = {
    LOGIN: `{"providers": ${SECRET}}`,
    SESSION_STORE_REDIS: `{"password": "${SECRET}", "x": "${SECRET}"}`,
    LOGIN_PROVIDERS_9_CLIENT_SECRET: SECRET,
    SESSION_STORE_REDIS_PASSWORD: SECRET,
    SESSION_STORE_REDIS_DB: '99',
  }
  const problems = load(t, '', { env })
  assert.ok(Array.isArray(problems))
  assert.doesNotMatch(problems.join('\n'), /hunter2/)
})

test('a loaded configuration shows no secret when it is printed', (t) => {
  const { config } = accept(
    t,
    `login: { base_url: https://a.example, providers: [ { id: a, issuer: https://a.example, client_id: a, client_secret: ${SECRET} } ] }
session_store: { type: redis, redis: { addr: "a:1", password: "\${VARIABLE}" } }
tracing: { providers: { otlp: { authorization_header: ${SECRET} } } }
`,
    { env: { VARIABLE: SECRET } },
  )
  assert.doesNotMatch(inspect(config, { depth: 20, showHidden: true }) + JSON.stringify(config), /hunter2/)
})
