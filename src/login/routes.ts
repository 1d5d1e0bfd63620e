import { GateError, toGateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import { begin } from './begin.ts'
import { beginUrl } from './begin-url.ts'
import { callback } from './callback.ts'
import type { LoginContext, RouteHandler } from './context.ts'
import { publish } from './events.ts'
import { failureGoal, failureReason, failureText } from './failure.ts'
import { logout } from './logout.ts'
import { type Header, type PageAction, renderPage } from './page.ts'
import { cookieHeader, type LoginRequest } from './request.ts'
import { sessionInfo } from './session-info.ts'
import { isSignedIn, signedOut } from './signed-out.ts'

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

/** Answers a request to a login route. Never throws: every failure becomes a page. */
export async function answer(context: LoginContext, request: LoginRequest): Promise<Reply> {
  const route = ROUTES.get(request.path.slice(context.settings.basePath.length))
  try {
    if (route === undefined) throw new GateError('ERR_NOT_FOUND')
    if (!route.methods.includes(request.method)) return methodNotAllowed(context, route)
    return await route.handle(context, request)
  } catch (cause: unknown) {
    const error = toGateError(cause)
    if (route?.handle === begin || route?.handle === callback) {
      publish({ type: 'failed', provider: failureGoal(error).provider, reason: failureReason(error) })
    }
    return failurePage(context, request, error)
  }
}

async function failurePage(context: LoginContext, request: LoginRequest, error: GateError): Promise<Reply> {
  const { settings } = context
  const { code, status, detail, headers } = error
  const { provider, returnTo } = failureGoal(error)
  const { requestId } = request
  const log = { code, provider, detail, requestId, ...(status === 500 && { cause: error.cause ?? error }) }
  if (status >= 500) context.logger.error(log, 'a login route failed')
  else if (code !== 'ERR_NOT_FOUND') context.logger.warn(log, 'a login route refused a request')

  const { title, text, canStartAgain } = failureText(error)
  const baseUrl = settings.baseUrls.of(request.host)
  const again: PageAction = {
    kind: 'link',
    label: 'Start again',
    href: beginUrl(settings, baseUrl, { returnTo, provider: providerParameter(context, provider) }),
  }
  const signedIn = await isSignedIn(context, cookieHeader(request))
  const goOn: PageAction = { kind: 'link', label: 'Continue', href: returnTo ?? settings.afterLogin(baseUrl) }
  return renderPage(
    {
      status,
      title,
      paragraphs: signedIn ? [text, 'You are signed in already.'] : [text],
      actions: [...(signedIn ? [goOn] : []), ...(canStartAgain ? [again] : [])],
      reference: { code, requestId },
      headers,
    },
    settings.secure,
  )
}

/** The default provider needs no name. */
function providerParameter({ defaultProvider }: LoginContext, provider: string | undefined): string | undefined {
  return provider === defaultProvider.id ? undefined : provider
}

function methodNotAllowed({ settings }: LoginContext, { methods }: Route): Reply {
  const allow: Header = ['Allow', methods.join(', ')]
  const paragraphs = ['The address does not take this kind of request.']
  return renderPage(
    { status: 405, title: 'That does not work here', paragraphs, actions: [], headers: [allow] },
    settings.secure,
  )
}
