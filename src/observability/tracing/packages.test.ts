import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadPackage } from './packages.ts'

test('a package that is not there is told with what to install', async () => {
  const missing = 'oathkeeper-no-such-package'
  await assert.rejects(
    loadPackage(() => import(missing) as Promise<unknown>, ['a', missing]),
    { message: `it needs packages that are not installed: npm install a ${missing}` },
  )
})

test('a package that fails to load tells its own reason', async () => {
  await assert.rejects(
    loadPackage(() => Promise.reject(new Error('broken')), []),
    /^Error: broken$/,
  )
})
