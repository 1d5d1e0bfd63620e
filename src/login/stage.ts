import { InterruptedLogin } from './failure.ts'

/**
 * How far a login came: it was to begin; the browser is back; the code is spent; the ID token is checked; UserInfo is asked; the
 * session is created.
 */
export type LoginStage = 'begin' | 'callback' | 'token' | 'id_token' | 'userinfo' | 'session'

/** Where an error arose; kept beside the errors, of which most are not ours. */
const STAGES = new WeakMap<Error, LoginStage>()

/** Runs a part of a login; what it throws can be asked for its stage. */
export async function inStage<Result>(stage: LoginStage, run: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (cause: unknown) {
    if (cause instanceof Error && !STAGES.has(cause)) STAGES.set(cause, stage)
    throw cause
  }
}

/** The stage of an error, or of what caused it. */
export function stageOf(error: unknown, otherwise: LoginStage): LoginStage {
  for (let at = error; at instanceof Error; at = at instanceof InterruptedLogin ? at.original : at.cause) {
    const stage = STAGES.get(at)
    if (stage !== undefined) return stage
  }
  return otherwise
}
