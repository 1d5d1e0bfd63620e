import type { GateError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/reply.ts'
import type { LoginContext } from './context.ts'
import { failureGoal, failureText, InterruptedLogin, isWaiting } from './failure.ts'
import { type Page, type PageAction, renderPage } from './page.ts'
import { cookieHeader, type LoginRequest } from './request.ts'
import { isSignedIn } from './signed-out.ts'
import { retryAfterSeconds } from './waiting-page.ts'

/** What a person is shown when a login cannot go on: a sentence, and a way to begin anew. Nothing of the request is in it. */
export async function failurePage(context: LoginContext, request: LoginRequest, error: GateError): Promise<Reply> {
  const { settings } = context
  const { code, status, detail, headers } = error
  const goal = failureGoal(error)
  const { provider, returnTo } = goal
  const { requestId } = request
  const log = {
    error_code: code,
    provider,
    detail,
    request_id: requestId,
    ...(status === 500 && { cause: error.cause ?? error }),
  }
  if (status >= 500) context.logger.error(log, 'a login route failed')
  else if (code !== 'ERR_NOT_FOUND') context.logger.warn(log, 'a login route refused a request')

  const { title, text, canStartAgain } = failureText(error)
  const baseUrl = settings.baseUrls.of(request.host)
  const beginUrl = context.startAgainUrl(baseUrl, goal)
  const again: PageAction = { kind: 'link', label: 'Start again', href: beginUrl }
  const signedIn = await isSignedIn(context, cookieHeader(request))
  // A page that asks for more than they have would send them here again.
  const next = goal.stepUp === undefined ? returnTo : undefined
  const goOn: PageAction = { kind: 'link', label: 'Continue', href: next ?? settings.afterLogin(baseUrl) }
  return renderPage(
    {
      status,
      title,
      paragraphs: signedIn ? [text, 'You are signed in already.'] : [text],
      actions: [...(signedIn ? [goOn] : []), ...(canStartAgain ? [again] : [])],
      reference: { code, requestId },
      ...(request.method === 'GET' && isWaiting(error) && { retry: retryOf(error, beginUrl) }),
      headers,
    },
    settings.secure,
  )
}

/** What may be spent is not tried twice: such a login begins anew. */
function retryOf(error: GateError, beginUrl: string): NonNullable<Page['retry']> {
  return {
    afterSeconds: retryAfterSeconds(),
    url: error instanceof InterruptedLogin ? beginUrl : undefined,
  }
}
