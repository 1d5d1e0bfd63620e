import { GateError } from '../kernel/errors.ts'
import type { HeaderList } from '../kernel/headers.ts'
import { isAuthority, isScheme } from '../http/checks.ts'
import type { Received } from '../http/receive.ts'
import { IncomingView, type ViewParts } from '../http/request-view.ts'
import { readForwardedUri, readTarget, type TargetRules } from '../http/target.ts'

/** What a gateway asks about, or why it cannot be asked. */
export interface Asked {
  readonly view: IncomingView
  readonly error: GateError | undefined
}

/** The parts of the request to `/decisions` that say something where the gateway's headers do not. */
export interface OwnRequest {
  readonly method: string
  /** What stands behind `/decisions`, as sent. */
  readonly path: string
  readonly rawQuery: string
}

/** Where the path is not known: no rule has it. */
const NO_TARGET = { path: '', rawPath: '', uncleanPath: undefined, originalUri: '' } as const

/**
 * Reads which request a gateway asks about: method, scheme, host and path from `X-Forwarded-Method`, `-Proto`, `-Host` and
 * `-Uri` where it says so, else from its own request. The query is that of its own request, as in Oathkeeper. Headers of
 * a peer that is not trusted are gone already, and repeated ones refused.
 */
export function readDecision(received: Received, own: OwnRequest, rules: TargetRules): Asked {
  try {
    checkOrigin(received.head.headers)
    const forwardedUri = received.head.headers.get('x-forwarded-uri')
    const target = forwardedUri === undefined ? ownTarget(own, rules) : readForwardedUri(forwardedUri, rules)
    return { view: makeView(received, own, target), error: undefined }
  } catch (cause: unknown) {
    if (!(cause instanceof GateError)) throw cause
    return { view: makeView(received, own, NO_TARGET), error: cause }
  }
}

/**
 * Scheme and host of what a gateway asks about become the beginning of a URL: what is more than one of them, such as a
 * `Host` of the client's with a path in it, would be matched as another path than the gateway forwards.
 * @throws {GateError} ERR_RULE_NOT_FOUND
 */
function checkOrigin(headers: HeaderList): void {
  const scheme = headers.get('x-forwarded-proto') || 'http'
  if (!isScheme(scheme)) throw new GateError('ERR_RULE_NOT_FOUND', { detail: 'X-Forwarded-Proto is not a scheme' })
  const host = headers.get('x-forwarded-host')
  if (host && !isAuthority(host)) {
    throw new GateError('ERR_RULE_NOT_FOUND', { detail: 'X-Forwarded-Host is not a host' })
  }
}

type Target = Pick<ViewParts, 'path' | 'rawPath' | 'uncleanPath' | 'originalUri'>

function makeView(received: Received, own: OwnRequest, target: Target): IncomingView {
  const { path, rawPath, uncleanPath, originalUri } = target
  const { head, connection } = received
  const { headers } = head
  return new IncomingView(
    {
      front: 'decision',
      method: headers.get('x-forwarded-method') || own.method,
      scheme: headers.get('x-forwarded-proto') || (connection.secure ? 'https' : 'http'),
      host: headers.get('x-forwarded-host') || head.host,
      path,
      rawPath,
      uncleanPath,
      rawQuery: own.rawQuery,
      originalUri,
    },
    received,
  )
}

/** `/decisions` alone asks about a host without any path. */
function ownTarget({ path, rawQuery }: OwnRequest, rules: TargetRules): Target {
  if (path === '') return { ...NO_TARGET, originalUri: rawQuery === '' ? '/' : `/?${rawQuery}` }
  return readTarget(rawQuery === '' ? path : `${path}?${rawQuery}`, rules)
}
