import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { findFreePort } from '../support/ports.ts'
import { logIn } from '../support/product.ts'
import { Visitor } from '../support/visitor.ts'

const RUN = resolve(import.meta.dirname, '../../examples/demo/run.ts')

/** The demo on ports of its own. */
async function startDemo(args: readonly string[] = [], chosen: Readonly<Record<string, number>> = {}) {
  const ports = {
    DEMO_PORT: await findFreePort(),
    DEMO_API_PORT: await findFreePort(),
    DEMO_PROVIDER_PORT: await findFreePort(),
    DEMO_APPLICATION_PORT: await findFreePort(),
    ...chosen,
  }
  const child = spawn(process.execPath, [RUN, ...args], {
    env: {
      ...process.env,
      ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  const exited = once(child, 'exit')
  return {
    door: `http://127.0.0.1:${ports.DEMO_PORT}`,
    press: (key: string) => void child.stdin.write(key),
    says: (text: RegExp) =>
      eventually(
        () => output,
        (all) => text.test(all),
        30_000,
      ),
    exitCode: () => exited.then(([code]) => code as number | null),
    interrupt: () => void child.kill('SIGINT'),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGINT')
      await exited
    },
  }
}

describe('the demo', { concurrency: 2 }, () => {
  test('prints where to click, logs people in and out, and stops cleanly', async () => {
    await using demo = await startDemo()
    await demo.says(/is ready/)
    const ada = new Visitor()
    assert.match((await ada.go(`${demo.door}/`)).text, /Everyone may see this page/)
    const arrival = await logIn(ada, `${demo.door}/reports?month=2026-10&sort=amount`)
    assert.equal(arrival.url, `${demo.door}/reports?month=2026-10&sort=amount`)
    assert.match((await ada.go(`${demo.door}/me`)).text, /Hello, Ada Lovelace/)
    const leaving = await ada.submit(`${demo.door}/.oathkeeper/logout`, {})
    assert.match(leaving.text, /Signing you out/)
    assert.equal((await ada.go(`${demo.door}/me`)).status, 302)
    demo.interrupt()
    assert.equal(await demo.exitCode(), 0)
  })

  test('with --redis a restart of Oathkeeper keeps people logged in', async () => {
    await using demo = await startDemo(['--redis'])
    await demo.says(/is ready/)
    const alan = new Visitor()
    await logIn(alan, `${demo.door}/me`, 'alan')
    demo.press('r')
    await demo.says(/Starting it again[\s\S]*Ready/)
    assert.match((await alan.go(`${demo.door}/me`)).text, /Hello, Alan Turing/)
    demo.interrupt()
    assert.equal(await demo.exitCode(), 0)
  })

  test('a port that is taken is named, with the variable that chooses another', async () => {
    await using first = await startDemo()
    await first.says(/is ready/)
    const taken = Number(new URL(first.door).port)
    await using second = await startDemo([], { DEMO_PORT: taken })
    assert.equal(await second.exitCode(), 1)
    await second.says(new RegExp(`Port ${taken} is taken[\\s\\S]*DEMO_PORT=`))
  })
})
