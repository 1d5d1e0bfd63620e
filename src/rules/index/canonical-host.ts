const UNUSUAL = /[A-Z]|\.(?::|$)|:(?:80|443)?$/

/** The usual spelling of a host: lower case, without a dot at its end and without the scheme's own port. */
export function canonicalHost(scheme: string, host: string): string {
  if (!UNUSUAL.test(host)) return host
  const defaultPort = scheme === 'https' ? ':443' : ':80'
  let canonical = host.toLowerCase()
  if (canonical.endsWith(':')) canonical = canonical.slice(0, -1)
  if (canonical.endsWith(defaultPort)) canonical = canonical.slice(0, -defaultPort.length)
  return canonical.replace(/\.(?=$|:\d+$)/, '')
}
