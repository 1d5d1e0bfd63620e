import type { UpstreamTarget } from '../kernel/gate.ts'
import type { RequestView } from '../kernel/request.ts'
import { cleanPath, joinPath } from '../lib/go-path.ts'
import { escapedPath, escapePath } from '../lib/go-url.ts'

/**
 * The request target for the upstream: the path that was matched, joined to that of `upstream.url` and without
 * `strip_path`, and the client's query. The client's own encoding is kept where the path is (Go's `URL.EscapedPath`).
 */
export function upstreamPathAndQuery(
  view: RequestView,
  target: UpstreamTarget,
  trailingSlash: 'keep' | 'strip',
): string {
  const path = upstreamPath(view.path, target, trailingSlash === 'keep')
  const encoded = path === view.path ? keptEncoding(view) : escapePath(path)
  if (view.rawQuery !== '') return `${encoded}?${view.rawQuery}`
  return view.originalUri.endsWith('?') ? `${encoded}?` : encoded
}

function keptEncoding(view: RequestView): string {
  return view.rawPath === '' ? escapePath(view.path) : escapedPath(view.path, view.rawPath)
}

function upstreamPath(path: string, { basePath, stripPath }: UpstreamTarget, keepsSlash: boolean): string {
  if (stripPath === '' && (basePath === '' || basePath === '/')) return path === '' ? '/' : path
  const joined = rooted(joinPath(basePath, path))
  const slashed = keepsSlash && path.endsWith('/') && joined !== '/' ? `${joined}/` : joined
  return stripPath === '' ? slashed : strip(slashed, stripPath, cleanPath(rooted(basePath)))
}

/**
 * Oathkeeper removes the first occurrence of `/` + `strip_path`, wherever in the path it is and whatever follows it.
 * What is left may begin without a slash or with dots (`/api../x`), which an upstream would read as another place, or grow
 * together with the upstream's own path (`/base` and `/apix` to `/basex`): it is rooted and cleaned again, and stays below
 * that path, unless the occurrence is in that path itself (V-050).
 */
function strip(path: string, stripPath: string, basePath: string): string {
  const at = path.indexOf(`/${stripPath}`)
  if (at === -1) return path
  const kept = basePath === '/' || at < basePath.length ? '' : basePath
  const rest = path.slice(kept.length, at) + path.slice(at + stripPath.length + 1)
  const clean = cleanPath(rooted(rest))
  if (clean === '/') return kept === '' || rest.endsWith('/') ? `${kept}/` : kept
  return kept + clean + (rest.endsWith('/') ? '/' : '')
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}
