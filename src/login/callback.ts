import type { Reply } from '../kernel/reply.ts'
import { finishAttempt } from './attempt.ts'
import type { LoginContext } from './context.ts'
import { enter } from './enter.ts'
import type { LoginRequest } from './request.ts'

/** `GET /callback`: the browser comes back from the provider. */
export async function callback(context: LoginContext, request: LoginRequest): Promise<Reply> {
  return enter(context, request, await finishAttempt(context, request))
}
