import { createHash } from 'node:crypto'
import type { Reply } from '../kernel/reply.ts'
import type { EndReason } from '../sessions/contract.ts'
import { type Html, html } from './html.ts'
import type { ReturnTarget } from './return-target.ts'

export type Header = readonly [name: string, value: string]

export interface Page {
  readonly status: number
  readonly title: string
  readonly paragraphs: readonly string[]
  readonly actions: readonly PageAction[]
  /** One word for why the person's session is over, for programs that look at the page. */
  readonly reason?: EndReason
  /** Small print that joins the page with the operator's log. */
  readonly reference?: { readonly code: string; readonly requestId: string }
  /** Goes on by itself. */
  readonly forwardTo?: ReturnTarget
  /** Tries again by itself: the same address, or `url` where it cannot be tried twice. */
  readonly retry?: { readonly afterSeconds: number; readonly url: string | undefined }
  readonly headers?: readonly Header[]
}

export type PageAction =
  | { readonly kind: 'link'; readonly label: string; readonly href: string }
  | { readonly kind: 'post'; readonly label: string; readonly action: string; readonly targets: readonly string[] }

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --paper: #ffffff; --line: #d9d9e0; --act: #0b5bd3; --on-act: #ffffff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #edeef0; --soft: #b0b4ba; --paper: #111113; --line: #43484e; --act: #70b8ff; --on-act: #0b1a2b }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 32rem }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; text-wrap: balance }
p { margin: 0 0 1rem; overflow-wrap: anywhere }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0 }
.actions a, button { display: inline-block; padding: .625rem 1rem; border: 1px solid var(--act); border-radius: .375rem;
  background: var(--act); color: var(--on-act); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer }
.actions :not(:first-child) > button, .actions a:not(:first-child) { background: none; color: var(--act) }
a:focus-visible, button:focus-visible { outline: 3px solid var(--act); outline-offset: 3px }
footer { margin-top: 2rem; padding-top: .75rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem }
code { font-family: ui-monospace, monospace }
`

// Not inside the page's template: the hash is of every character between the tags.
const STYLE_ELEMENT: Html = { html: `<style>${STYLE}</style>` }
const STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`

/** Headers of every answer of the login routes: none may be cached, framed, or tell the next site where it came from. */
export function securityHeaders(secure: boolean, referrerPolicy = 'no-referrer'): Header[] {
  return [
    ['Cache-Control', 'no-store'],
    ['Referrer-Policy', referrerPolicy],
    ['X-Content-Type-Options', 'nosniff'],
    ['Cross-Origin-Resource-Policy', 'same-origin'],
    ...(secure ? ([['Strict-Transport-Security', 'max-age=31536000']] as const) : []),
  ]
}

/** Writes a page: no script, no image, nothing from elsewhere. */
export function renderPage(page: Page, secure: boolean): Reply {
  const formTargets = page.actions.flatMap((action) => (action.kind === 'post' ? ["'self'", ...action.targets] : []))
  const policy = [
    "default-src 'none'",
    `style-src ${STYLE_HASH}`,
    `form-action ${formTargets.length === 0 ? "'none'" : [...new Set(formTargets)].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
  return {
    status: page.status,
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Content-Security-Policy', policy],
      ['X-Frame-Options', 'DENY'],
      // With `no-referrer` older browsers post a form with `Origin: null`, which is refused as foreign.
      ...securityHeaders(secure, formTargets.length === 0 ? 'no-referrer' : 'same-origin'),
      ...(page.headers ?? []),
    ],
    body: document(page).html,
  }
}

/** A redirect that takes nothing along: no body, no referrer, nothing to cache. */
export function redirect(status: 302 | 303, location: string, secure: boolean, headers: readonly Header[]): Reply {
  return { status, headers: [['Location', location], ...securityHeaders(secure), ...headers], body: '' }
}

function document({ title, paragraphs, actions, reason, reference, forwardTo, retry }: Page): Html {
  const target = forwardTo === undefined ? undefined : `0; url=${forwardTo}`
  const content = target ?? (retry === undefined ? undefined : retryContent(retry))
  const refresh = content === undefined ? [] : [html`<meta http-equiv="refresh" content="${content}" />`]
  const about = reason === undefined ? [] : [html` data-reason="${reason}"`]
  const footer = reference === undefined ? [] : [smallPrint(reference)]
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        ${refresh}
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main${about}>
          <h1>${title}</h1>
          ${paragraphs.map((text) => html`<p>${text}</p> `)}
          <div class="actions">${actions.map(renderAction)}</div>
          ${footer}
        </main>
      </body>
    </html> `
}

/** Without an address a browser takes that of the page, which need not be written into it: a callback's is secret. */
function retryContent({ afterSeconds, url }: NonNullable<Page['retry']>): string {
  return url === undefined ? String(afterSeconds) : `${afterSeconds}; url=${url}`
}

function renderAction(action: PageAction): Html {
  if (action.kind === 'link') return html`<a href="${action.href}">${action.label}</a>`
  return html`<form method="post" action="${action.action}"><button type="submit">${action.label}</button></form>`
}

function smallPrint({ code, requestId }: NonNullable<Page['reference']>): Html {
  const request = requestId === '' ? [] : [html` · <code>${requestId}</code>`]
  return html`<footer>When you ask for help, please give this: <code>${code}</code>${request}</footer> `
}
