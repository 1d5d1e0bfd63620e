import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './did-you-mean.ts'

test('a slip finds the word that was meant', () => {
  const words = ['addr', 'password', 'session_prefix', 'state_prefix', 'ttl']
  const slips: Record<string, string | undefined> = {
    adr: 'addr',
    pasword: 'password',
    passwrod: 'password',
    sesion_prefix: 'session_prefix',
    TTL: 'ttl',
    tll: 'ttl',
    host: undefined,
    x: undefined,
  }
  for (const [slip, word] of Object.entries(slips)) assert.equal(nearest(slip, words), word, slip)
})

test('no candidates, no suggestion', () => assert.equal(nearest('a', []), undefined))
