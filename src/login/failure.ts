import type { ErrorCode } from '../kernel/catalogue.ts'
import { GateError, toGateError } from '../kernel/errors.ts'
import type { StepUp } from '../kernel/step-up.ts'
import type { ReturnTarget } from './return-target.ts'

/** What a person is told when a login route cannot do what was asked. */
export interface FailureText {
  readonly title: string
  readonly text: string
  /** Whether beginning anew makes sense. */
  readonly canStartAgain: boolean
}

interface FailureDefinition extends FailureText {
  readonly code: ErrorCode
}

const FAILURES = {
  request_malformed: {
    code: 'ERR_REQUEST_MALFORMED',
    title: 'This address is not right',
    text: 'Something is missing in the address of this page, or there is too much of it.',
    canStartAgain: true,
  },
  attempt_unknown: {
    code: 'ERR_LOGIN_FAILED',
    title: 'This sign-in cannot be finished',
    text: 'It was finished already, it took too long, or it was begun in another browser.',
    canStartAgain: true,
  },
  issuer_foreign: {
    code: 'ERR_LOGIN_FAILED',
    title: 'This sign-in cannot be finished',
    text: 'The answer does not come from where this sign-in was begun.',
    canStartAgain: true,
  },
  access_denied: {
    code: 'ERR_LOGIN_FAILED',
    title: 'You were not signed in',
    text: 'The sign-in was cancelled, or the sign-in service did not permit it.',
    canStartAgain: true,
  },
  provider_refused: {
    code: 'ERR_LOGIN_FAILED',
    title: 'You were not signed in',
    text: 'The sign-in service could not complete the sign-in.',
    canStartAgain: true,
  },
  answer_untrusted: {
    code: 'ERR_LOGIN_FAILED',
    title: 'You were not signed in',
    text: 'What the sign-in service said about you could not be verified. Please tell us if it happens twice.',
    canStartAgain: true,
  },
  claims_missing: {
    code: 'ERR_LOGIN_FAILED',
    title: 'You were not signed in',
    text: 'The sign-in service did not say what this service needs to know about you. Please ask who runs it.',
    canStartAgain: true,
  },
  authentication_insufficient: {
    code: 'ERR_STEP_UP_FAILED',
    title: 'This page needs another sign-in',
    text: 'It asks you to sign in again, or in a safer way, and the sign-in service did not do that. Please ask who runs this service.',
    canStartAgain: true,
  },
  session_refused: {
    code: 'ERR_ACCESS_FORBIDDEN',
    title: 'You are signed in, but not let in',
    text: 'What the sign-in service said about you is not accepted here. Please ask who runs this service.',
    canStartAgain: false,
  },
  logged_out_meanwhile: {
    code: 'ERR_LOGIN_FAILED',
    title: 'You were signed out meanwhile',
    text: 'While this sign-in was under way you were signed out at the sign-in service.',
    canStartAgain: true,
  },
  logout_incomplete: {
    code: 'ERR_SESSION_STORE_UNAVAILABLE',
    title: 'Signing out could not be completed',
    text: 'This browser is signed out. The session itself could not be ended yet, because a part of this service cannot be reached.',
    canStartAgain: false,
  },
  cookies_repeated: {
    code: 'ERR_REQUEST_MALFORMED',
    title: 'Your browser sends two sign-in cookies',
    text: 'We cannot know which one is ours and have asked your browser to remove them.',
    canStartAgain: true,
  },
} as const satisfies Record<string, FailureDefinition>

export type FailureKind = keyof typeof FAILURES

/** What a failure page needs to offer the same login again. */
export interface LoginGoal {
  readonly provider?: string | undefined
  /** Where the person wanted to go, if that is known. */
  readonly returnTo?: ReturnTarget | undefined
  /** How they have to log in for that. */
  readonly stepUp?: StepUp | undefined
  /** Whether they asked to stay signed in. */
  readonly rememberMe?: boolean | undefined
}

export interface LoginFailureOptions extends LoginGoal {
  readonly cause?: unknown
  /** For the operator's log. Never a value of the request or of a token. */
  readonly detail?: string
  readonly headers?: GateError['headers']
}

/** Ends a login route with a page of its own. */
export class LoginFailure extends GateError {
  readonly kind: FailureKind
  readonly goal: LoginGoal

  constructor(kind: FailureKind, options: LoginFailureOptions = {}) {
    const { cause, detail, headers = [], ...goal } = options
    super(FAILURES[kind].code, {
      headers,
      ...(cause !== undefined && { cause }),
      ...(detail !== undefined && { detail }),
    })
    this.kind = kind
    this.goal = goal
  }
}

/** Any error of the catalogue that ends a login whose goal is known. */
export class InterruptedLogin extends GateError {
  readonly original: GateError
  readonly goal: LoginGoal

  constructor(original: GateError, goal: LoginGoal, headers: GateError['headers'] = []) {
    const { code, cause, detail } = original
    super(code, {
      headers: [...original.headers, ...headers],
      ...(cause !== undefined && { cause }),
      ...(detail !== undefined && { detail }),
    })
    this.original = original
    this.goal = goal
  }
}

/** Runs a step of a login; its failure will know the goal. */
export async function orInterrupt<T>(run: () => T | Promise<T>, goal: LoginGoal): Promise<T> {
  try {
    return await run()
  } catch (cause: unknown) {
    throw new InterruptedLogin(toGateError(cause), goal)
  }
}

const OTHERS: Partial<Record<ErrorCode, FailureText>> = {
  ERR_LOGIN_FAILED: {
    title: 'You were not signed in',
    text: 'The sign-in could not be completed. Please tell us if it happens twice.',
    canStartAgain: true,
  },
  ERR_NOT_FOUND: {
    title: 'There is no such page',
    text: 'The address is not one of the sign-in pages.',
    canStartAgain: false,
  },
  ERR_SESSION_STORE_UNAVAILABLE: {
    title: 'Signing in has to wait a moment',
    text: 'A part of this service cannot be reached. Whoever is signed in stays so. This page tries again by itself.',
    canStartAgain: true,
  },
  ERR_PROVIDER_UNAVAILABLE: {
    title: 'The sign-in service cannot be reached',
    text: 'Whoever is signed in stays so. Please try again in a moment.',
    canStartAgain: true,
  },
  ERR_PROVIDER_TIMEOUT: {
    title: 'The sign-in service does not answer',
    text: 'Whoever is signed in stays so. Please try again in a moment.',
    canStartAgain: true,
  },
  ERR_PROVIDER_RESPONSE_INVALID: {
    title: 'The sign-in service gave an answer that cannot be used',
    text: 'Whoever is signed in stays so. Please try again later, and tell us if it does not get better.',
    canStartAgain: true,
  },
}

const UNFORESEEN: FailureText = {
  title: 'Something went wrong',
  text: 'The mistake is ours. Please try again, and tell us if it happens twice.',
  canStartAgain: true,
}

export function failureText(error: GateError): FailureText {
  const original = error instanceof InterruptedLogin ? error.original : error
  return original instanceof LoginFailure ? FAILURES[original.kind] : (OTHERS[original.code] ?? UNFORESEEN)
}

/** One word for why a login ended. */
export function failureReason(error: GateError): FailureKind | ErrorCode {
  const original = error instanceof InterruptedLogin ? error.original : error
  return original instanceof LoginFailure ? original.kind : original.code
}

/** Whether the login waits for the session store and goes on by itself when it is back. */
export function isWaiting(error: GateError): boolean {
  return error.code === 'ERR_SESSION_STORE_UNAVAILABLE' && !(error instanceof LoginFailure)
}

export function failureGoal(error: GateError): LoginGoal {
  return error instanceof LoginFailure || error instanceof InterruptedLogin ? error.goal : {}
}
