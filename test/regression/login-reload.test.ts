// A configuration that changes in the middle of a login: what was begun under the one before is judged by the one in force.
import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startMockProvider } from '../support/mock-provider.ts'
import { type RawProduct, startRawProduct } from '../support/raw-product.ts'
import { Visitor } from '../support/visitor.ts'

type Config = Record<string, Record<string, unknown>>

async function change(product: RawProduct, edit: (config: Config) => void): Promise<void> {
  const config = JSON.parse(readFileSync(product.configFile, 'utf8')) as Config
  edit(config)
  const seen = product.log().length
  writeFileSync(`${product.configFile}.new`, JSON.stringify(config))
  renameSync(`${product.configFile}.new`, product.configFile)
  product.app.reload()
  await eventually(
    () => product.log().slice(seen),
    (log) => log.includes('the changed configuration is in force'),
    5_000,
  )
}

async function begin(product: RawProduct, visitor: Visitor, returnTo: string): Promise<string> {
  const path = `/.oathkeeper/login?return_to=${encodeURIComponent(returnTo)}`
  const begun = await visitor.go(product.door + path)
  const authorized = await visitor.go(begun.headers['location'] ?? '')
  return authorized.headers['location'] ?? ''
}

async function led(visitor: Visitor, callback: string): Promise<string | undefined> {
  return (await visitor.go(callback)).headers['location']
}

test('A-14 V-070: a code of the provider that was is not given to the one that took its place', async (t) => {
  const product = await startRawProduct(t)
  const other = await startMockProvider(t)
  other.switches.discovery = (document) => ({ ...document, authorization_response_iss_parameter_supported: false })
  product.provider.switches.redirect = (location) => location.searchParams.delete('iss')
  const visitor = new Visitor()
  const callback = await begin(product, visitor, '/me')
  await change(product, ({ login }) => {
    const { issuer, clientId, clientSecret } = other
    if (login) login['providers'] = [{ id: 'mock', issuer, client_id: clientId, client_secret: clientSecret }]
  })
  const answer = await visitor.go(callback)
  assert.equal(answer.status, 400)
  assert.deepEqual([product.provider.asked('/token'), other.asked('/token')], [[], []])
  assert.equal(visitor.cookie('127.0.0.1', 'oathkeeper'), undefined)
})

test('A-14: a provider that was taken out finishes nothing', async (t) => {
  const product = await startRawProduct(t)
  const visitor = new Visitor()
  const callback = await begin(product, visitor, '/me')
  await change(product, ({ login }) => {
    const [entry] = (login?.['providers'] ?? []) as Record<string, unknown>[]
    if (login) login['providers'] = [{ ...entry, id: 'renamed' }]
  })
  assert.equal((await visitor.go(callback)).status, 400)
  assert.equal(product.provider.asked('/token').length, 0)
})

test('A-16: a login leads back only to where it still may when it is finished', async (t) => {
  const product = await startRawProduct(t, { config: { login: { allowed_return_origins: ['https://friend.test'] } } })
  const first = new Visitor()
  assert.equal(await led(first, await begin(product, first, 'https://friend.test/x')), 'https://friend.test/x')
  const second = new Visitor()
  const callback = await begin(product, second, 'https://friend.test/x')
  await change(product, ({ login }) => void (login && delete login['allowed_return_origins']))
  assert.equal(await led(second, callback), `${product.door}/`)
})
