import { GateError, toGateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import { backchannelLogout } from './backchannel-logout.ts'
import { begin } from './begin.ts'
import { callback } from './callback.ts'
import type { RouteContext, RouteHandler } from './context.ts'
import { publish } from './events.ts'
import { failureGoal, failureReason } from './failure.ts'
import { failurePage } from './failure-page.ts'
import { logout } from './logout.ts'
import { type Header, renderPage } from './page.ts'
import type { LoginRequest } from './request.ts'
import { stageOf } from './stage.ts'
import { sessionInfo } from './session-info.ts'
import { signedOut } from './signed-out.ts'

interface Route {
  readonly methods: readonly string[]
  readonly handle: RouteHandler
}

/** By path below `login.base_path`. */
const ROUTES: ReadonlyMap<string, Route> = new Map([
  ['/login', { methods: ['GET'], handle: begin }],
  ['/callback', { methods: ['GET'], handle: callback }],
  ['/logout', { methods: ['POST', 'GET'], handle: logout }],
  ['/signed-out', { methods: ['GET', 'HEAD'], handle: signedOut }],
  ['/session', { methods: ['GET', 'HEAD'], handle: sessionInfo }],
])

/** Behind it the provider's id; without one, that of the default provider. */
const BACKCHANNEL = /^\/backchannel-logout(?:\/(.+))?$/

/** Answers a request to a login route. Never throws: every failure becomes a page. */
export async function answer(context: RouteContext, request: LoginRequest): Promise<Reply> {
  const path = request.path.slice(context.settings.basePath.length)
  const told = BACKCHANNEL.exec(path)
  if (told !== null) return backchannelLogout(context, request, told[1] ?? context.defaultProvider.id)
  const route = ROUTES.get(path)
  try {
    if (route === undefined) throw new GateError('ERR_NOT_FOUND')
    if (!route.methods.includes(request.method)) return methodNotAllowed(context, route)
    return await route.handle(context, request)
  } catch (cause: unknown) {
    const error = toGateError(cause)
    if (route?.handle === begin || route?.handle === callback) {
      const stage = stageOf(error, route.handle === begin ? 'begin' : 'callback')
      publish({ type: 'failed', provider: failureGoal(error).provider, stage, reason: failureReason(error) })
    }
    return failurePage(context, request, error)
  }
}

function methodNotAllowed({ settings }: RouteContext, { methods }: Route): Reply {
  const allow: Header = ['Allow', methods.join(', ')]
  const paragraphs = ['The address does not take this kind of request.']
  return renderPage(
    { status: 405, title: 'That does not work here', paragraphs, actions: [], headers: [allow] },
    settings.secure,
  )
}
