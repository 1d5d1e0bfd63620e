import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { renderPage } from './page.ts'

test('the policy of a page allows its own style sheet, and nothing else', () => {
  const { body, headers } = renderPage({ status: 400, title: 'Title', paragraphs: ['Text'], actions: [] }, false)
  const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  const policy = headers.find(([name]) => name === 'Content-Security-Policy')?.[1] ?? ''
  assert.ok(policy.includes(`default-src 'none'; style-src 'sha256-${hash}';`), policy)
})
