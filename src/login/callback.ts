import type { Reply } from '../kernel/reply.ts'
import { AnotherRound, finishAttempt } from './attempt.ts'
import type { LoginContext } from './context.ts'
import { enter } from './enter.ts'
import type { LoginRequest } from './request.ts'
import { sendToProvider } from './send-to-provider.ts'

/** `GET /callback`: the browser comes back from the provider. */
export async function callback(context: LoginContext, request: LoginRequest): Promise<Reply> {
  try {
    return await enter(context, request, await finishAttempt(context, request))
  } catch (cause: unknown) {
    if (cause instanceof AnotherRound) return sendToProvider(context, request, cause.path, cause.spent)
    throw cause
  }
}
