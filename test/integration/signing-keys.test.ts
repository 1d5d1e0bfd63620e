import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { validateApp } from '../../src/app.ts'
import { eventually } from '../support/eventually.ts'
import { type Jwk, makeJwk } from '../support/jwks.ts'
import { type OathkeeperProcess, startOathkeeper } from '../support/oathkeeper.ts'

const FIRST = makeJwk('first', 'RS256')
const SECOND = makeJwk('second', 'ES256')

const CONFIG = {
  log: { level: 'error' },
  authenticators: { anonymous: { enabled: true } },
  authorizers: { allow: { enabled: true } },
  mutators: {
    id_token: { enabled: true, config: { issuer_url: 'https://gate.example/', jwks_url: 'file://keys.json' } },
  },
}

const RULE = {
  id: 'signed',
  match: { url: 'http://app.example/', methods: ['GET'] },
  authenticators: [{ handler: 'anonymous' }],
  authorizer: { handler: 'allow' },
  mutators: [{ handler: 'id_token' }],
}

async function start(): Promise<OathkeeperProcess> {
  const prepare = (folder: string): void => writeKeys(join(folder, 'keys.json'), FIRST)
  return startOathkeeper({ config: CONFIG, rules: [RULE], prepare })
}

/** As a person does it: the file is whole at every moment. */
function writeKeys(file: string, ...keys: Jwk[]): void {
  writeFileSync(`${file}.new`, JSON.stringify({ keys }))
  renameSync(`${file}.new`, file)
}

async function tokenOf({ apiUrl }: OathkeeperProcess): Promise<string> {
  const headers = { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'app.example', 'x-forwarded-uri': '/' }
  const answer = await fetch(`${apiUrl}/decisions`, { headers })
  assert.equal(answer.status, 200)
  return answer.headers.get('authorization')?.replace(/^Bearer /, '') ?? ''
}

async function publishedBy({ apiUrl }: OathkeeperProcess): Promise<JSONWebKeySet> {
  return (await (await fetch(`${apiUrl}/.well-known/jwks.json`)).json()) as JSONWebKeySet
}

describe('signing keys in a file', { concurrency: true }, () => {
  test('what is signed verifies with what is published, also after the keys were changed', async () => {
    await using oathkeeper = await start()
    const first = await tokenOf(oathkeeper)
    const published = await publishedBy(oathkeeper)
    assert.ok(!JSON.stringify(published).includes('"d"'))
    const { payload } = await jwtVerify(first, createLocalJWKSet(published), { issuer: 'https://gate.example/' })
    assert.equal(payload.sub, 'anonymous')
    assert.equal(await tokenOf(oathkeeper), first, 'the same token while nothing changes')

    const file = join(dirname(oathkeeper.configFile), 'keys.json')
    writeKeys(file, SECOND)
    const second = await eventually(
      () => tokenOf(oathkeeper),
      (token) => decodeProtectedHeader(token).kid === 'second',
      10_000,
    )
    await jwtVerify(second, createLocalJWKSet(await publishedBy(oathkeeper)))

    // Gone and broken keys change nothing.
    rmSync(file)
    writeFileSync(file, '{"keys":')
    await new Promise((done) => setTimeout(done, 2_500))
    assert.equal(await tokenOf(oathkeeper), second)
  })

  test('validate tells a file that is not there or has no key to sign with, by its rule', async () => {
    await using oathkeeper = await start()
    const { configFile } = oathkeeper
    const validate = async () =>
      (await validateApp({ configFiles: [configFile], env: {} })).problems.map(({ path, ruleId, message }) => [
        path,
        ruleId,
        message.replaceAll(dirname(configFile), ''),
      ])
    const path = 'mutators.id_token.config.jwks_url'
    assert.deepEqual(await validate(), [])
    const file = join(dirname(configFile), 'keys.json')
    writeKeys(file)
    assert.deepEqual(await validate(), [
      [path, 'signed', 'nothing can be signed: no suitable key could be found in file:///keys.json'],
    ])
    rmSync(file)
    assert.deepEqual(await validate(), [[path, 'signed', 'nothing can be signed: /keys.json cannot be read (ENOENT)']])
  })
})
