import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { writeDenial, writeGrant } from './check-response.ts'

const FIXTURES: { readonly responses: readonly { readonly name: string; readonly octets: string }[] } = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../../test/fixtures/ext-authz/messages.json'), 'utf8'),
)

function expected(name: string): string | undefined {
  return FIXTURES.responses.find((response) => response.name === name)?.octets
}

const wire = (text: string): string => Buffer.from(text).toString('latin1')

test('answers have the octets that Go’s library writes', () => {
  const grant = writeGrant({
    set: [
      ['x-user', 'ada'],
      ['x-empty', ''],
      ['x-name', wire('名')],
    ],
    remove: ['x-evil', 'x_user'],
  })
  assert.equal(grant.toString('base64'), expected('a grant'))
  assert.equal(writeGrant({ set: [], remove: [] }).toString('base64'), expected('a grant without a word'))
  const denial = writeDenial({
    code: 16,
    status: 302,
    headers: [
      ['location', 'https://login.example/?a=b'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ],
    body: '<a>名</a>',
  })
  assert.equal(denial.toString('base64'), expected('a denial'))
})
