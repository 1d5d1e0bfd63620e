import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CleanupStack } from './cleanup-stack.ts'

test('closes in reverse order, each once, and gives back what it adopts', async () => {
  const closed: string[] = []
  const stack = new CleanupStack()
  stack.defer(() => void closed.push('first'))
  assert.equal(
    stack.adopt('second', async (name) => void closed.push(name)),
    'second',
  )
  await stack[Symbol.asyncDispose]()
  await stack[Symbol.asyncDispose]()
  assert.deepEqual(closed, ['second', 'first'])
})

test('what was moved is closed by the new stack only', async () => {
  const closed: string[] = []
  const stack = new CleanupStack()
  stack.defer(() => void closed.push('one'))
  const moved = stack.move()
  await stack[Symbol.asyncDispose]()
  assert.deepEqual(closed, [])
  await moved[Symbol.asyncDispose]()
  assert.deepEqual(closed, ['one'])
})

test('a failure does not keep the others open, and is told', async () => {
  const closed: string[] = []
  const stack = new CleanupStack()
  stack.defer(() => void closed.push('first'))
  stack.defer(() => {
    throw new Error('stuck')
  })
  await assert.rejects(stack[Symbol.asyncDispose](), /stuck/)
  assert.deepEqual(closed, ['first'])
})
