import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBoundedPattern } from './origin-pattern.ts'

const BOUNDED = [
  'https://*.example.com',
  'https://*.example.co.uk',
  'https://app-*.example.com',
  'http://*.example.com:8080',
  'HTTPS://*.EXAMPLE.COM',
  'https://*.my-app.vercel.app',
  '*.example.com',
]
const UNBOUNDED = [
  'https://*',
  'https://*.com',
  'https://*.co.uk',
  'https://*.vercel.app',
  'https://*example.com',
  '*example.com',
  'https://www.example.*',
  'https://*.localhost',
  'https://*.example.com.',
  'https://*..com',
  'https://*.',
  'https://*:8080',
]

for (const pattern of BOUNDED)
  test(`the wildcard of ${pattern} stays with one owner`, () => assert.equal(isBoundedPattern(pattern), true))
for (const pattern of UNBOUNDED)
  test(`the wildcard of ${pattern} is anybody's`, () => assert.equal(isBoundedPattern(pattern), false))
