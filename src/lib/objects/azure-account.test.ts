import assert from 'node:assert/strict'
import { test } from 'node:test'
import { azureAccount, azureServiceUrl } from './azure-account.ts'

test('the account is the first of key, signature, connection string and identity', () => {
  const all = {
    AZURE_STORAGE_ACCOUNT: 'me',
    AZURE_STORAGE_KEY: 'a2V5',
    AZURE_STORAGE_SAS_TOKEN: '?sig=x',
    AZURE_STORAGE_CONNECTION_STRING: '',
    AZURE_STORAGEBLOB_CONNECTIONSTRING: 'AccountName=me',
  }
  assert.deepEqual(azureAccount(all), { kind: 'key', name: 'me', key: 'a2V5' })
  const signature = { kind: 'signature', name: 'me', signature: 'sig=x' }
  assert.deepEqual(azureAccount({ ...all, AZURE_STORAGE_KEY: '' }), signature)
  const connectionString = { kind: 'connection string', connectionString: 'AccountName=me' }
  assert.deepEqual(azureAccount({ AZURE_STORAGEBLOB_CONNECTIONSTRING: 'AccountName=me' }), connectionString)
  assert.deepEqual(azureAccount({ AZURE_STORAGE_ACCOUNT: 'me' }), { kind: 'identity', name: 'me' })
})

const DOMAIN = 'AZURE_STORAGE_DOMAIN'

const URLS: readonly (readonly [env: Readonly<Record<string, string>>, url: string])[] = [
  [{}, 'https://me.blob.core.windows.net'],
  [{ [DOMAIN]: 'blob.core.usgovcloudapi.net' }, 'https://me.blob.core.usgovcloudapi.net'],
  [{ [DOMAIN]: 'cdn.example', AZURE_STORAGE_IS_CDN: 'true' }, 'https://cdn.example'],
  [{ [DOMAIN]: 'localhost:10000', AZURE_STORAGE_PROTOCOL: 'http' }, 'http://localhost:10000/me'],
  [{ [DOMAIN]: 'azurite:10000', AZURE_STORAGE_IS_LOCAL_EMULATOR: '1' }, 'https://azurite:10000/me'],
  [{ [DOMAIN]: 'azurite:10000', AZURE_STORAGE_IS_LOCAL_EMULATOR: 'yes' }, 'https://me.azurite:10000'],
]

for (const [env, url] of URLS) {
  test(`the account is at ${url} with ${JSON.stringify(env)}`, () => {
    assert.equal(azureServiceUrl('me', env), url)
  })
}

test('what makes no URL is told by the names of its variables', () => {
  assert.throws(() => azureServiceUrl('', {}), /^ObjectError: azblob:\/\/ needs an account: set AZURE_STORAGE_ACCOUNT/)
  assert.throws(
    () => azureServiceUrl('me', { AZURE_STORAGE_PROTOCOL: 'ftp' }),
    /AZURE_STORAGE_PROTOCOL must be https or http/,
  )
  assert.throws(() => azureServiceUrl('m e', {}), /do not make the name of a host/)
})
