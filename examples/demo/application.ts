import { createServer, type IncomingMessage, type Server } from 'node:http'
import { html, page, type Html } from './page.ts'

/** Who is asking, as Oathkeeper says it in headers: the application itself has no login at all. */
interface Visitor {
  readonly name: string
  readonly email: string
  readonly subject: string
}

/** A small application that trusts the headers that Oathkeeper sets. */
export function createApplication(): Server {
  return createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://application')
    const body = route(url, request)
    response.writeHead(body === undefined ? 404 : 200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
    })
    response.end(
      page({
        title: 'Lighthouse',
        accent: 'application',
        body: frame(url.pathname, body ?? html`<h1>Nothing here</h1>`),
      }),
    )
  })
}

function route(url: URL, request: IncomingMessage): Html | undefined {
  const visitor = readVisitor(request)
  if (url.pathname === '/') return home(visitor)
  if (url.pathname === '/me' && visitor !== undefined) return profile(visitor, request)
  if (url.pathname === '/reports' && visitor !== undefined) return reports(url.searchParams)
  return undefined
}

function readVisitor(request: IncomingMessage): Visitor | undefined {
  const header = (name: string): string => {
    const value = request.headers[name]
    return typeof value === 'string' ? value : ''
  }
  const subject = header('x-user')
  if (subject === '' || subject === 'anonymous') return undefined
  return { subject, name: header('x-name'), email: header('x-email') }
}

function frame(path: string, body: Html): Html {
  const link = (to: string, text: string): Html =>
    path === to ? html`<a href="${to}" aria-current="page">${text}</a>` : html`<a href="${to}">${text}</a>`
  return html`<header>
      <a class="brand" href="/">${LOGO} Lighthouse</a>
      <nav aria-label="Main">
        ${link('/', 'Public page')} ${link('/me', 'Who am I?')} ${link('/reports', 'Reports')}
      </nav>
    </header>
    <main>${body}</main>
    <footer>An application without a login of its own. Oathkeeper stands in front of it.</footer>`
}

function home(visitor: Visitor | undefined): Html {
  return html`<h1>Everyone may see this page.</h1>
    <p class="lead">
      ${visitor === undefined ? 'You are not signed in.' : `You are signed in as ${visitor.name}.`} The pages below ask
      for a session: Oathkeeper sends you to log in and brings you back to exactly what you asked for.
    </p>
    <div class="grid">
      <a class="card" href="/me">
        <h2>Who am I?</h2>
        <p>A protected page. It shows the person and the headers that reached the application.</p>
      </a>
      <a class="card" href="/reports?month=2026-10&sort=amount">
        <h2>October, sorted by amount</h2>
        <p>A deep link. Its query survives the login.</p>
      </a>
      ${
        visitor === undefined
          ? html`<a class="card" href="/.oathkeeper/session">
              <h2>What a script sees</h2>
              <p>The session as JSON. Without one it is a 401 and no redirect.</p>
            </a>`
          : html`<div class="card">
              <h2>Done?</h2>
              <p>Ends the session here and at the identity provider.</p>
              <div class="actions">${LOGOUT}</div>
            </div>`
      }
    </div>`
}

function profile(visitor: Visitor, request: IncomingMessage): Html {
  return html`<div class="card">
      <div class="person">
        <span class="avatar" style="--tone: ${toneOf(visitor.subject)}" aria-hidden="true"
          >${initialsOf(visitor.name)}</span
        >
        <div>
          <h1>Hello, ${visitor.name}</h1>
          <p>${visitor.email} <span class="tag">signed in</span></p>
        </div>
      </div>
      <div class="actions">
        <a class="button" href="/reports?month=2026-10&sort=amount">Open a report</a>
        ${LOGOUT}
      </div>
    </div>
    <div class="card wide">
      <h2>The headers that this application received</h2>
      <div class="scroll">
        <table>
          ${headersOf(request).map(
            ([name, value]) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td>${value}</td>
              </tr>`,
          )}
        </table>
      </div>
      <p class="note">
        The session cookie is not among them: it stays between the browser and Oathkeeper. A header of these names that
        a browser sends itself never arrives.
      </p>
    </div>`
}

function reports(query: URLSearchParams): Html {
  const month = query.get('month') ?? 'all months'
  const sort = query.get('sort') ?? 'date'
  const rows = [...ROWS].sort((a, b) => (sort === 'amount' ? b.amount - a.amount : a.date.localeCompare(b.date)))
  return html`<h1>Reports</h1>
    <p class="lead">
      Month: <code>${month}</code>, sorted by <code>${sort}</code> — as the address in your browser says.
    </p>
    <div class="card">
      <table>
        ${rows.map(
          ({ date, what, amount }) =>
            html`<tr>
              <th scope="row">${date}</th>
              <td>${what}</td>
              <td class="number">${amount.toFixed(2)}</td>
            </tr>`,
        )}
      </table>
      <div class="actions">
        <a class="button" href="/reports?month=2026-10&sort=amount">By amount</a>
        <a class="button" href="/reports?month=2026-10&sort=date">By date</a>
      </div>
    </div>`
}

const ROWS = [
  { date: '2026-10-02', what: 'Lamp oil', amount: 84.5 },
  { date: '2026-10-11', what: 'Fresnel lens, polished', amount: 1290 },
  { date: '2026-10-23', what: 'Fog horn, serviced', amount: 310.25 },
] as const

const LOGOUT = html`<form method="post" action="/.oathkeeper/logout"><button class="quiet">Log out</button></form>`

const LOGO = html`<svg
  width="26"
  height="26"
  viewBox="0 0 24 24"
  aria-hidden="true"
  fill="none"
  stroke="var(--accent)"
  stroke-width="1.8"
  stroke-linejoin="round"
  stroke-linecap="round"
>
  <path d="M9.5 9h5l1.5 12H8L9.5 9Z" />
  <path
    d="M9.5 9V6L12 3.6 14.500 6v3M3.500 4.500 6.500 6M20.500 4.500 17.500 6M3.500 10l3-.8M20.500 10l-3-.8M8.500 16.500h7"
  />
</svg>`

function headersOf(request: IncomingMessage): [name: string, value: string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i < request.rawHeaders.length; i += 2)
    pairs.push([request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? ''])
  const isShown = /^(x-|host$|user-agent$|accept-language$)/i
  return pairs.filter(([name]) => isShown.test(name)).sort(([a], [b]) => rankOf(a) - rankOf(b) || a.localeCompare(b))
}

/** What says who is asking comes first. */
function rankOf(name: string): number {
  const rank = ['x-user', 'x-name', 'x-email'].indexOf(name.toLowerCase())
  return rank === -1 ? 3 : rank
}

export function initialsOf(name: string): string {
  return name
    .split(' ')
    .map((word) => word[0] ?? '')
    .join('')
    .slice(0, 2)
}

/** A colour of one's own. */
export function toneOf(subject: string): number {
  let sum = 0
  for (const char of subject) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360
  return sum
}
