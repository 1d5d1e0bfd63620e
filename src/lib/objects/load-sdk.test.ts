import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSdk } from './load-sdk.ts'

const S3 = { scheme: 's3' } as const

test('an SDK that is not installed is told with what to do', async () => {
  const missing = '@nobody/has-this'
  await assert.rejects(
    loadSdk(S3, missing, () => import(missing)),
    {
      message: `s3:// needs a package that is not installed: run npm install ${missing} where oathkeeper is installed`,
    },
  )
})

test('an SDK that lacks something itself, or breaks, is told as such', async () => {
  const missing = '@nobody/has-this'
  await assert.rejects(
    loadSdk(S3, '@vendor/sdk', () => import(missing)),
    {
      message: 'the package @vendor/sdk, which s3:// needs, cannot be loaded (ERR_MODULE_NOT_FOUND)',
    },
  )
  await assert.rejects(
    loadSdk(S3, '@vendor/sdk', () => Promise.reject(new Error('no'))),
    {
      message: 'the package @vendor/sdk, which s3:// needs, cannot be loaded (unknown cause)',
    },
  )
})
