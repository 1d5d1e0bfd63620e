import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'

/** A person with a browser of their own: nothing is shared with another one. */
export interface Person {
  readonly context: BrowserContext
  readonly page: Page
  /** What the browser refused because of a page's own policy; nothing, if the pages are right. */
  readonly refused: readonly string[]
  [Symbol.asyncDispose](): Promise<void>
}

/** One Chromium for all people of a test file. */
export interface Crowd {
  person(): Promise<Person>
  close(): Promise<void>
}

export async function gatherCrowd(): Promise<Crowd> {
  const browser: Browser = await launchChromium()
  return {
    async person() {
      const context = await browser.newContext()
      context.setDefaultTimeout(20_000)
      const refused: string[] = []
      context.on('console', (message) => {
        if (/content security policy/i.test(message.text())) refused.push(message.text())
      })
      return { context, page: await context.newPage(), refused, [Symbol.asyncDispose]: () => context.close() }
    },
    close: () => browser.close(),
  }
}

/** On the provider's page: the click that signs in. */
export async function signIn(page: Page, name = 'Ada Lovelace'): Promise<void> {
  await page.getByRole('button', { name }).click()
}

export const PROVIDER_PAGE = /\/sign-in\//
