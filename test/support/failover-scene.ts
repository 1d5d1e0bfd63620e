import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApp } from '../../src/app.ts'
import { SCRIPT } from './fault-scene.ts'
import { findFreePort } from './ports.ts'
import { rule, startRawProduct, type RawProduct } from './raw-product.ts'
import { Visitor, type Answer } from './visitor.ts'

type Section = Readonly<Record<string, unknown>>

/** Two instances of the product on several Redis servers, and a person who is signed in and known to the first of them only. */
export interface FailoverScene {
  readonly product: RawProduct
  readonly ada: Visitor
  /** As a script of a page asks the first, or the second, instance. */
  ask(visitor: Visitor, path: string, instance?: 'second'): Promise<Answer>
  /** Somebody new logs in. */
  logIn(): Promise<Visitor>
  logOut(visitor: Visitor): Promise<Answer>
}

/** Rules: `/strict` with `store_outage: deny`, the rest for who is signed in. `store` is the section `session_store`. */
export async function startFailoverScene(t: TestContext, store: Section): Promise<FailoverScene> {
  const product = await startRawProduct(t, {
    config: { session_store: { type: 'redis', ...store }, log: { level: 'info' } },
    rules: ({ door, upstream }) => [
      rule('strict', `${door}/strict`, upstream, {
        authenticators: [{ handler: 'session', config: { store_outage: 'deny' } }],
      }),
      rule('members', `${door}/<(?!strict$).*>`, upstream),
    ],
  })
  const second = await startSecond(t, product)
  const { visitor: ada } = await product.signIn()
  return {
    product,
    ada,
    async ask(visitor, path, instance) {
      const asking = visitor.copy()
      if (instance === 'second') asking.route(product.host, second)
      return await asking.go(product.door + path, SCRIPT)
    },
    async logIn() {
      const visitor = new Visitor()
      const { status } = await product.logIn(visitor)
      assert.equal(status, 200)
      return visitor
    },
    logOut: (visitor) => visitor.submit(`${product.door}/.oathkeeper/logout`, {}),
  }
}

/** Gives its `host:port`. */
async function startSecond(t: TestContext, { configFile }: RawProduct): Promise<string> {
  const config = JSON.parse(readFileSync(configFile, 'utf8')) as { serve: Record<string, { port: number }> }
  const [proxy, api] = [await findFreePort(), await findFreePort()]
  config.serve = { proxy: { ...config.serve['proxy'], port: proxy }, api: { ...config.serve['api'], port: api } }
  const file = configFile.replace(/\.json$/, '-2.json')
  writeFileSync(file, JSON.stringify(config))
  const app = await startApp({ configFiles: [file], env: {}, logSink: { write() {}, flushSync() {} } })
  t.after(() => app.stop())
  return `127.0.0.1:${proxy}`
}

/**
 * Has people ask all the time until the result is called, which sees to it that nobody was logged out, and no cookie was touched: each
 * was let in, or told to wait where that rule may not go on without the store (`/strict`, or with `mayWait` any).
 */
export function watchPeople(scene: FailoverScene, people: readonly Visitor[], mayWait = false): () => Promise<void> {
  const answers: Answer[] = []
  const controller = new AbortController()
  const watching = (async () => {
    while (!controller.signal.aborted) {
      for (const person of people) {
        answers.push(await scene.ask(person, '/me'), await scene.ask(person, '/strict'))
      }
      await sleep(20)
    }
  })()
  return async () => {
    controller.abort()
    await watching
    assert.ok(answers.length > 0)
    for (const { url, status, setCookies } of answers) {
      const isFine = status === 200 || (status === 503 && (mayWait || url.endsWith('/strict')))
      assert.ok(isFine, `${url} was answered ${status}`)
      assert.deepEqual(setCookies, [])
    }
  }
}
