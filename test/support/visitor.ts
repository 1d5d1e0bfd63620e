import { request } from 'undici'

export interface VisitOptions {
  readonly method?: 'GET' | 'POST' | 'HEAD'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answer {
  readonly url: string
  readonly status: number
  /** By lower-case name; the first where there are several. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly setCookies: readonly string[]
  readonly text: string
}

/** Where a chain of redirects ended. */
export interface Arrival extends Answer {
  /** Every address on the way. */
  readonly trail: readonly string[]
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
}

const NAVIGATION = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}

/** A person with a browser, without the browser: keeps cookies as one does and follows redirects one at a time. */
export class Visitor {
  /** By host, then by name and path; as in a browser, ports make no difference. */
  #cookies = new Map<string, Map<string, Cookie>>()
  readonly #routes = new Map<string, string>()

  /** From now on what is addressed to one `host:port` goes to another, as a load balancer does it; `Host` stays. */
  route(from: string, to: string): void {
    this.#routes.set(from, to)
  }

  /** One navigation, without following. */
  async go(url: string, options: VisitOptions = {}): Promise<Answer> {
    const target = new URL(url)
    const cookie = this.cookieHeader(target)
    const instance = new URL(url)
    instance.host = this.#routes.get(target.host) ?? target.host
    const { statusCode, headers, body } = await request(instance, {
      method: options.method ?? 'GET',
      headers: { host: target.host, ...NAVIGATION, ...(cookie === '' ? {} : { cookie }), ...options.headers },
      ...(options.body === undefined ? {} : { body: options.body }),
    })
    const setCookies = [headers['set-cookie'] ?? []].flat()
    this.#keepCookies(target, setCookies)
    const single = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
    )
    return { url, status: statusCode, headers: single, setCookies, text: await body.text() }
  }

  /** Follows redirects until an answer that is none. */
  async follow(url: string, options: VisitOptions = {}): Promise<Arrival> {
    let answer = await this.go(url, options)
    const trail = [url]
    while (answer.status >= 300 && answer.status < 400 && trail.length < 20) {
      const next = new URL(answer.headers['location'] ?? '', answer.url).href
      trail.push(next)
      answer = await this.go(next)
    }
    return { ...answer, trail }
  }

  /** Posts a form as a page of the same origin does. */
  submit(url: string, form: Readonly<Record<string, string>>): Promise<Arrival> {
    return this.follow(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: new URL(url).origin,
        'sec-fetch-site': 'same-origin',
      },
      body: new URLSearchParams(form).toString(),
    })
  }

  /** The cookies of this one, in a browser of their own. */
  copy(): Visitor {
    const twin = new Visitor()
    for (const [host, jar] of this.#cookies) twin.#cookies.set(host, new Map(jar))
    for (const [from, to] of this.#routes) twin.route(from, to)
    return twin
  }

  /** Another tab of the same browser: what one is given both have. */
  tab(): Visitor {
    const tab = new Visitor()
    tab.#cookies = this.#cookies
    for (const [from, to] of this.#routes) tab.route(from, to)
    return tab
  }

  /** What would be sent as `Cookie`; empty when there is nothing to send. */
  cookieHeader(target: URL): string {
    return this.#cookiesOf(target.hostname)
      .filter(({ path }) => matchesPath(target.pathname, path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  cookie(host: string, name: string): string | undefined {
    return this.#cookiesOf(host).find((cookie) => cookie.name === name)?.value
  }

  /** As a browser does at a cookie's end, or a person who clears it. */
  forget(host: string, name: string): void {
    const jar = this.#cookies.get(host)
    for (const [key, cookie] of jar ?? []) if (cookie.name === name) jar?.delete(key)
  }

  cookieNames(host: string): string[] {
    return this.#cookiesOf(host).map(({ name }) => name)
  }

  #cookiesOf(host: string): Cookie[] {
    return [...(this.#cookies.get(host)?.values() ?? [])]
  }

  #keepCookies(target: URL, setCookies: readonly string[]): void {
    const jar = this.#cookies.get(target.hostname) ?? new Map<string, Cookie>()
    this.#cookies.set(target.hostname, jar)
    for (const line of setCookies) {
      const [pair = '', ...attributes] = line.split(/; */)
      const at = pair.indexOf('=')
      const name = pair.slice(0, at)
      const attribute = (wanted: string): string | undefined =>
        attributes.find((one) => one.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1)
      const expires = attribute('expires')
      const path = attribute('path') ?? '/'
      const key = `${name};${path}`
      if (attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) < Date.now())) jar.delete(key)
      else jar.set(key, { name, value: pair.slice(at + 1), path })
    }
  }
}

function matchesPath(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)
}
