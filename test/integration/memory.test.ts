import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { logIn, startProduct } from '../support/product.ts'
import { Visitor } from '../support/visitor.ts'

const SCRIPT = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } }

describe('sessions in memory', { concurrency: 2 }, () => {
  test('a restart ends them, and says so to nobody: people log in again', async () => {
    await using product = await startProduct()
    const ada = new Visitor()
    await logIn(ada, `${product.door}/me`)
    await product.restart(0)
    assert.equal((await ada.go(`${product.door}/me`, SCRIPT)).status, 401)
    assert.equal((await ada.follow(`${product.door}/me`)).status, 200)
  })

  test('FM-29: when they are full the one unused for longest goes', async () => {
    await using product = await startProduct({
      config: { session_store: { type: 'memory', memory: { max_sessions: 3 } } },
    })
    const people = Array.from({ length: 4 }, () => new Visitor())
    for (const [i, person] of people.entries()) {
      await logIn(person, `${product.door}/me`)
      // The first stays in use, so the second is the one unused for longest.
      if (i < 3) assert.equal((await people[0]?.go(`${product.door}/me`, SCRIPT))?.status, 200)
    }
    const statuses = await Promise.all(
      people.map(async (person) => (await person.go(`${product.door}/me`, SCRIPT)).status),
    )
    assert.deepEqual(statuses, [200, 401, 200, 200])
  })
})
