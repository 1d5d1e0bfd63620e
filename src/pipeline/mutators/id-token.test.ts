import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import { createTestGate, createTestRegistry, makeRule } from '../../../test/support/gate.ts'
import { makeJwk } from '../../../test/support/jwks.ts'
import { requestView, type ViewParts } from '../../../test/support/request-view.ts'
import { createServices } from '../../app/services.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { Decision } from '../../kernel/gate.ts'
import { silentLogger } from '../../kernel/logger.ts'
import type { HandlerReference } from '../../kernel/rule.ts'
import { createOutbound } from '../../lib/outbound.ts'

async function rig(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'id-token-'))
  const outbound = createOutbound({ timeoutMs: 1000, maxBytes: 100_000 })
  t.after(async () => {
    await outbound.close()
    await rm(folder, { recursive: true })
  })
  const keys = `file://${folder}/keys.json`
  const write = (...jwks: unknown[]) => writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: jwks }))
  await write(makeJwk('key-1', 'ES256'))
  const { tokens } = createServices({ outbound, clock: systemClock, logger: silentLogger, readsAhead: false }).handlers
  const idToken = (config: Record<string, unknown> = {}): HandlerReference => ({
    handler: 'id_token',
    config: { issuer_url: 'https://gate.example/', jwks_url: keys, ...config },
  })
  const settings = { mutators: { id_token: { enabled: true }, header: { enabled: true }, noop: { enabled: true } } }
  const decide = async (mutators: readonly HandlerReference[], request: ViewParts = {}): Promise<Decision> =>
    createTestGate({ rules: [{ mutators, captureGroups: ['g'] }], deps: { tokens }, settings }).decide(
      requestView(request),
    )
  return { idToken, decide, write, tokens, settings }
}

function tokenOf(decision: Decision): string {
  assert.ok(decision.granted, decision.granted ? '' : decision.error.message)
  const value = decision.exchange.headers.get('Authorization')?.[0] ?? ''
  assert.match(value, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/)
  return value.slice('Bearer '.length)
}

test('the request carries a token of ours about its subject', async (t) => {
  const { idToken, decide } = await rig(t)
  const claims = '{"aud":["{{ index .MatchContext.RegexpCaptureGroups 0 }}"],"sub":"root"}'
  const token = decodeJwt(tokenOf(await decide([idToken({ claims, ttl: '90s' })])))
  assert.equal(token.sub, 'anonymous')
  assert.equal(token.iss, 'https://gate.example/')
  assert.deepEqual(token.aud, ['g'])
  assert.equal((token.exp ?? 0) - (token.iat ?? 0), 90)
})

test('claims may look at what the client sent, which the token then replaces', async (t) => {
  const { idToken, decide } = await rig(t)
  const claims = '{"was":"{{ .MatchContext.Header.Get "X-Was" }}"}'
  const headers: ViewParts['headers'] = [['X-Was', 'here']]
  const decision = await decide([idToken({ claims })], { headers })
  assert.equal(decodeJwt(tokenOf(decision))['was'], 'here')
})

test('claims that do not render to a JSON object are 500, and the token is not sent', async (t) => {
  const { idToken, decide } = await rig(t)
  for (const claims of ['{"aud": {{ .Subject }} }', '[]', 'null', '{{ .Nope }}', '{{ if false }}x{{ end }}']) {
    const decision = await decide([idToken({ claims })])
    assert.ok(!decision.granted, claims)
    assert.equal(decision.reply.status, 500)
  }
})

test('a key set that is not there is 500, and a rule without id_token goes on', async (t) => {
  const { idToken, decide } = await rig(t)
  const decision = await decide([idToken({ jwks_url: 'file:///nowhere/keys.json' })])
  assert.ok(!decision.granted)
  assert.equal(decision.error.code, 'ERR_SIGNING_KEY_UNAVAILABLE')
  assert.ok((await decide([{ handler: 'noop', config: undefined }])).granted)
})

test('mistakes of the configuration are told at their place', async (t) => {
  const { idToken, tokens, settings } = await rig(t)
  const problemsOf = (config: Record<string, unknown>): string[] =>
    createTestRegistry({ tokens }, settings)
      .compileRule(makeRule({ mutators: [idToken(config)] }))
      .problems.map(({ path, message }) => `${path}: ${message}`)
  assert.match(
    problemsOf({ claims: '{{ if }}' })[0] ?? '',
    /^mutators\[0\]\.config\.claims: the template does not parse/,
  )
  assert.match(problemsOf({ jwks_url: 'ftp://h/k' })[0] ?? '', /config\.jwks_url: keys cannot be read by "ftp:\/\/"/)
  assert.match(problemsOf({ jwks_url: 'keys.json' })[0] ?? '', /config\.jwks_url: must be a URL/)
  assert.match(problemsOf({ ttl: '7d' })[0] ?? '', /config\.ttl: must be a duration/)
  assert.match(problemsOf({ issuer_url: undefined })[0] ?? '', /config\.issuer_url/)
  assert.deepEqual(problemsOf({ issuer_url: '' }), [])
})
