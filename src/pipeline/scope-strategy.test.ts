import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scopeComparison } from './scope-strategy.ts'

const cases = {
  exact: {
    covers: [['users', 'users']],
    leaves: [
      ['users', 'users.read'],
      ['users.read', 'users'],
      ['*', 'users'],
      ['Users', 'users'],
    ],
  },
  hierarchic: {
    covers: [
      ['users', 'users'],
      ['users', 'users.read'],
      ['users', 'users.read.own'],
      ['users.read', 'users.read.own'],
    ],
    leaves: [
      ['users.read', 'users'],
      ['users.read', 'users.write'],
      ['user', 'users'],
      ['users', 'usersx.read'],
      ['*', 'users'],
      ['', 'users'],
    ],
  },
  wildcard: {
    covers: [
      ['users.*', 'users.read'],
      ['users.*', 'users.read.own'],
      ['*', 'users.read'],
      ['*.read', 'users.read'],
      ['users.*.own', 'users.read.own'],
      ['users.read', 'users.read'],
    ],
    leaves: [
      ['users.*', 'users'],
      ['users.*', 'users.'],
      ['users', 'users.read'],
      ['*.read', 'users.write'],
      ['users.*.own', 'users.read.all'],
      ['users.read.*', 'users.read'],
      ['u*', 'users'],
    ],
  },
} as const

for (const strategy of ['exact', 'hierarchic', 'wildcard'] as const) {
  for (const [granted, required] of cases[strategy].covers) {
    test(`${strategy}: "${granted}" covers "${required}"`, () => {
      assert.equal(scopeComparison(strategy)?.(['other', granted], required), true)
    })
  }
  for (const [granted, required] of cases[strategy].leaves) {
    test(`${strategy}: "${granted}" does not cover "${required}"`, () => {
      assert.equal(scopeComparison(strategy)?.(['other', granted], required), false)
    })
  }
  test(`${strategy}: nothing granted covers nothing`, () =>
    assert.equal(scopeComparison(strategy)?.([], 'users'), false))
}

test('none compares nothing', () => assert.equal(scopeComparison('none'), undefined))
