import { isIP } from 'node:net'
import { type CidrSet, compileCidrs } from './cidr.ts'

/** Tells which proxy a call goes through; `undefined`: none. */
export type ProxyFor = (origin: string) => string | undefined

interface Exception {
  /** Of the host alone, or only on this port. */
  readonly port: string
  matches(host: string): boolean
}

/**
 * Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (or in lower case) as Go's net/http does: `NO_PROXY` lists hosts, which stand for
 * their subdomains too (`.example.com`: for these only), addresses, networks, any of them with a port, or `*`. This machine itself
 * is never asked through a proxy. `undefined`: no proxy is set.
 * @throws {Error} with a sentence that names the variable, and not what may be a password in it.
 */
export function readProxyEnvironment(env: NodeJS.ProcessEnv): ProxyFor | undefined {
  const proxies: Readonly<Record<string, string | undefined>> = {
    'http:': readProxy(env, 'HTTP_PROXY'),
    'https:': readProxy(env, 'HTTPS_PROXY'),
  }
  if (proxies['http:'] === undefined && proxies['https:'] === undefined) return undefined
  const exceptions = readExceptions(valueOf(env, 'NO_PROXY') ?? '')
  return (origin) => {
    const { protocol, hostname, port } = new URL(origin)
    const proxy = proxies[protocol]
    if (proxy === undefined) return undefined
    const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
    if (isThisMachine(host)) return undefined
    const realPort = port === '' ? (protocol === 'http:' ? '80' : '443') : port
    const isExcepted = exceptions.some((one) => (one.port === '' || one.port === realPort) && one.matches(host))
    return isExcepted ? undefined : proxy
  }
}

function readProxy(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = valueOf(env, name)
  if (value === undefined) return undefined
  const url = URL.parse(value.includes('://') ? value : `http://${value}`)
  if (url === null || url.hostname === '' || !['http:', 'https:', 'socks5:'].includes(url.protocol)) {
    throw new Error(`${name} is not the URL of a proxy: give http://host:port, https://host:port or socks5://host:port`)
  }
  return url.href
}

function valueOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = (env[name] || env[name.toLowerCase()])?.trim()
  return value === '' ? undefined : value
}

function readExceptions(text: string): Exception[] {
  return text
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .flatMap((entry) => readException(entry) ?? [])
}

function readException(entry: string): Exception | undefined {
  if (entry === '*') return { port: '', matches: () => true }
  const network = networkOf(entry)
  if (network !== undefined) return { port: '', matches: (host) => isIP(host) !== 0 && network.has(host) }
  const [, given = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? []
  const name = given.replace(/^\[|\]$/g, '').replace(/^\*\./, '.')
  if (name === '') return undefined
  const address = networkOf(name)
  if (address !== undefined) return { port, matches: (host) => isIP(host) !== 0 && address.has(host) }
  const suffix = name.startsWith('.') ? name : `.${name}`
  return { port, matches: (host) => host.endsWith(suffix) || host === name }
}

/** An address or a network; `undefined` for a name. */
function networkOf(entry: string): CidrSet | undefined {
  try {
    return compileCidrs([entry])
  } catch {
    return undefined
  }
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
