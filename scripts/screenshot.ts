// Makes docs/images/demo.png: the demo as a person sees it, in three steps.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { launchChromium } from '../test/support/chromium.ts'

const ROOT = resolve(import.meta.dirname, '..')
const TARGET = resolve(ROOT, 'docs/images/demo.png')
const DOOR = 'http://127.0.0.1:4455'
const WINDOW = { width: 760, height: 620 }

interface Step {
  readonly caption: string
  readonly address: string
  readonly picture: string
}

const demo = spawn(process.execPath, [resolve(ROOT, 'examples/demo/run.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
try {
  await untilReady()
  const browser = await launchChromium()
  const context = await browser.newContext({ viewport: WINDOW, deviceScaleFactor: 2, colorScheme: 'light' })
  const page = await context.newPage()
  const steps: Step[] = []

  await page.goto(`${DOOR}/reports?month=2026-10&sort=amount`)
  steps.push(await take(page, '1. A protected page sends you to log in …'))
  await page.getByRole('button', { name: 'Ada Lovelace' }).click()
  await page.waitForURL(`${DOOR}/reports**`)
  steps.push(await take(page, '2. … and back to exactly that page'))
  await page.goto(`${DOOR}/me`)
  steps.push(await take(page, '3. The application reads who you are'))

  const sheet = await browser.newPage({ viewport: { width: 1500, height: 530 }, deviceScaleFactor: 1.5 })
  await sheet.setContent(compose(steps))
  mkdirSync(dirname(TARGET), { recursive: true })
  await sheet.screenshot({ path: TARGET })
  await browser.close()
} finally {
  demo.kill('SIGTERM')
  await once(demo, 'exit')
}

async function untilReady(): Promise<void> {
  for await (const chunk of demo.stdout) if (String(chunk).includes('is ready')) return
  throw new Error('the demo did not start')
}

async function take(page: Page, caption: string): Promise<Step> {
  const picture = await page.screenshot()
  const { host, pathname, search } = new URL(page.url())
  const path = pathname.startsWith('/sign-in/') ? '/sign-in' : pathname
  return { caption, address: host + path + search, picture: picture.toString('base64') }
}

function compose(steps: readonly Step[]): string {
  return `<!doctype html><style>
    * { box-sizing: border-box; margin: 0 }
    body { width: 1500px; height: 530px; padding: 34px 34px 0; display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 26px;
      font: 17px/1.4 system-ui, 'DejaVu Sans', sans-serif; color: #e9eaf2;
      background: linear-gradient(135deg, #2b3a8c, #1c2350 55%, #17493f) }
    figure { min-width: 0; display: grid; grid-template-columns: minmax(0, 1fr); grid-template-rows: auto 1fr; gap: 14px; align-content: start }
    figcaption { font-weight: 600; min-height: 1.4em; white-space: nowrap; font-size: 17px }
    .window { border-radius: 12px; overflow: hidden; background: #fff; box-shadow: 0 18px 50px rgb(0 0 0 / .38); align-self: start }
    .bar { display: flex; align-items: center; gap: 7px; padding: 9px 12px; background: #e7e9f1; font-size: 12px; color: #444a5c }
    .bar i { width: 10px; height: 10px; border-radius: 50%; background: #c3c7d6 }
    .bar span { flex: 1; background: #fff; border-radius: 7px; padding: 3px 10px; margin-left: 6px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
    img { display: block; width: 100% }
  </style>${steps
    .map(
      ({ caption, address, picture }) => `<figure><figcaption>${caption}</figcaption><div class="window">
        <div class="bar"><i></i><i></i><i></i><span>${address.replaceAll('&', '&amp;')}</span></div>
        <img src="data:image/png;base64,${picture}"></div></figure>`,
    )
    .join('')}`
}
