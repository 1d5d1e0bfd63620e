import type { RequestView } from '../kernel/request.ts'
import type { OwnCookie } from './cookies.ts'

/** `serve.proxy.upgrade.allowed_origins`; nothing when it is not configured. */
export type UpgradeOrigins = ReadonlySet<string> | undefined

/**
 * The origin that browsers see of a host, where it is known (`login.base_url`): https, although the request came from a
 * gateway without it and nobody believes what that says.
 */
export type PublicOrigin = (host: string) => string | undefined

/**
 * Whether a page of another origin asks for the upgrade without leave (F-32). Browsers send cookies along with a
 * WebSocket handshake from any page, and no answer to it is withheld from that page.
 * Without a list, a handshake that carries the product's own session must come from its own origin, and others are the
 * upstream's to judge; with a list, every handshake of a browser must come from its own origin or one of the list.
 */
export function isForeignOrigin(
  view: RequestView,
  allowed: UpgradeOrigins,
  isOwnCookie: OwnCookie,
  publicOrigin: PublicOrigin,
): boolean {
  const origin = view.headers.get('origin')
  if (origin === undefined || allowed?.has(origin) === true) return false
  if (origin.toLowerCase() === originOf(view) || origin === publicOrigin(view.host)) return false
  return allowed !== undefined || carriesOwnCookie(view, isOwnCookie)
}

/** As browsers write it: without the scheme's own port. */
function originOf({ scheme, host }: RequestView): string {
  return `${scheme}://${host.toLowerCase().replace(scheme === 'https' ? /:443$/ : /:80$/, '')}`
}

function carriesOwnCookie(view: RequestView, isOwnCookie: OwnCookie): boolean {
  return view.headers
    .getAll('cookie')
    .some((line) => line.split(';').some((pair) => isOwnCookie((pair.split('=', 1)[0] as string).trim())))
}
