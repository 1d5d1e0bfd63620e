import { chromium, type Browser } from 'playwright-core'
import { CHROMIUM, findProgram } from '../../scripts/lib/system-packages.ts'

/** The system's own Chromium, headless, that talks to nobody but the pages under test. */
export function launchChromium(): Promise<Browser> {
  const executablePath = findProgram(CHROMIUM)
  if (executablePath === undefined) throw new Error('Chromium is not installed; npm test says how to install it')
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
