import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { validateApp } from '../../src/app/validate.ts'
import { formatProblem } from '../../src/kernel/problem.ts'

/** What `validate` says of a configuration and its rules. */
async function validate(t: TestContext, config: string, rules = '[]', env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-fork-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'oathkeeper.yaml')
  writeFileSync(file, config)
  writeFileSync(join(folder, 'rules.json'), rules)
  const { problems } = await validateApp({ configFiles: [file], env })
  return problems.map(formatProblem)
}

const CALLBACK = `
      client_id: client
      token_url: https://localhost:9443/oauth2/token
      userinfo_url: https://localhost:9443/oauth2/userinfo
      redirect_url: https://localhost:9444/callback`

test('fork 32 and 33: the example of one form, with its own keys of the callback', async (t) => {
  const config = `
serve: { proxy: { port: 4455, host: localhost }, api: { port: 4456, host: localhost } }
session_store:
  type: redis
  redis:
    addr: "127.0.0.1:6379"
    password: "your-redis-password"
    db: 0
    session_prefix: "oathkeeper:session:"
    state_prefix: "oathkeeper:state:"
    ttl: "24h"
access_rules: { repositories: [ "file://./rules.json" ] }
authenticators:
  noop: { enabled: true }
  callback:
    enabled: true
    config:
      client_id: your-client-id
      client_secret: your-client-secret
      redirect_url: https://your-app.com/callback
      authorization_endpoint: https://your-provider.com/oauth2/authorize
      token_endpoint: https://your-provider.com/oauth2/token
      userinfo_url: https://your-provider.com/oauth2/userinfo
      scopes: [openid, profile, email]
authorizers: { allow: { enabled: true } }
mutators:
  noop: { enabled: true }
  header: { enabled: true, config: { headers: { X-User: "{{ print .Subject }}", X-User-Email: "{{ print .Extra.email }}" } } }
errors:
  fallback: [ json ]
  handlers:
    json: { enabled: true }
    redirect: { enabled: true, config: { to: "https://your-app.com/login", when: [ { error: [ unauthorized ] } ] } }
`
  assert.deepEqual(await validate(t, config), [])
})

test('the same, with the switch of logout and the types of redirect in the configuration itself', async (t) => {
  const config = `
access_rules: { repositories: [ "file://./rules.json" ] }
authenticators:
  unauthorized: { enabled: true }
  logout: { enabled: true }
  session_jwt: { enabled: true, config: { jwks_urls: [ "https://localhost:9443/oauth2/jwks" ], jwks_ttl: 30m } }
  callback:
    enabled: true
    config: {${CALLBACK.trim()
      .split('\n')
      .map((line) => line.trim())
      .join(
        ', ',
      )}, client_secret: secret, token_endpoint_auth_method: client_secret_basic, preserve_host: false, retry: { max_wait: 1s, timeout: 500ms }, cache: { ttl: 5m, max_cost: 1000 }}
authorizers: { allow: { enabled: true } }
mutators: { noop: { enabled: true } }
errors:
  handlers:
    redirect:
      enabled: true
      config:
        to: https://localhost:9443/oauth2/authorize?response_type=code&client_id=client&redirect_uri=https://localhost:9444/callback&scope=openid%20profile%20email&state=randomstate
        type: auth
`
  const rules = JSON.stringify([
    {
      id: 'callback',
      match: { url: 'https://localhost:9444/callback', methods: ['GET'] },
      authenticators: [{ handler: 'callback' }],
      authorizer: { handler: 'allow' },
      mutators: [{ handler: 'noop' }],
      errors: [{ handler: 'redirect' }],
    },
    {
      id: 'logout',
      match: { url: 'https://localhost:9444/logout', methods: ['GET'] },
      authenticators: [{ handler: 'logout' }],
      authorizer: { handler: 'allow' },
      mutators: [{ handler: 'noop' }],
      errors: [
        {
          handler: 'redirect',
          config: {
            type: 'logout',
            oidc_logout_url: 'https://localhost:9443/oidc/logout',
            post_logout_redirect_url: 'https://localhost:9444/',
          },
        },
      ],
    },
  ])
  assert.deepEqual(await validate(t, config, rules), [])
})

test('fork 34: the client secret may come from a variable or a file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-fork-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'secret'), 'secret\n')
  const withSecret = (line: string) => `
access_rules: { repositories: [ "file://./rules.json" ] }
authenticators:
  callback:
    enabled: true
    config:${CALLBACK}
      ${line}
`
  assert.deepEqual(await validate(t, withSecret('client_secret: ${CLIENT_SECRET}'), '[]', { CLIENT_SECRET: 'x' }), [])
  assert.deepEqual(await validate(t, withSecret(`client_secret_file: ${join(folder, 'secret')}`)), [])
  await assert.rejects(validate(t, withSecret('')), /callback\.config\.client_secret: is required/)
})

test('the configuration of docs/migrating-from-the-fork.md has no mistake', async (t) => {
  const text = readFileSync(resolve(import.meta.dirname, '../../docs/migrating-from-the-fork.md'), 'utf8')
  const [, config = ''] = /```yaml\n([\s\S]*?)```/.exec(text) ?? []
  const [, rules = ''] = /```json\n([\s\S]*?)```/.exec(text) ?? []
  assert.deepEqual(await validate(t, config, rules, { REDIS_PASSWORD: 'x', CLIENT_SECRET: 'x' }), [])
})
