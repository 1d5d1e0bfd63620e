import type { HeaderList } from './headers.ts'
import type { Reply } from './reply.ts'
import type { RequestView } from './request.ts'
import type { StepUp } from './step-up.ts'

/**
 * Headers by Go-canonical name. The fronts use the first value of each name. Values are in wire form: UTF-8, one byte
 * as one Latin-1 character, without control characters.
 */
export type HeaderMap = Map<string, string[]>

/** A handler in its place in the plan of a rule, as the log names it. */
export interface StepName {
  readonly kind: 'authentication' | 'authorization' | 'mutation'
  /** The handler's id; empty for a list without one. */
  readonly handler: string
  /** Oathkeeper's `reason_id` for a request that ends here. */
  readonly reasonId: string
}

/** What Oathkeeper calls the match context, where it is not that of the request itself. Nothing stands for Go's nil. */
export interface MatchContext {
  readonly captureGroups: readonly string[] | undefined
  readonly url: MatchedUrl | undefined
  readonly method: string
  readonly headers: HeaderList | undefined
}

/** A URL by the fields of Go's `url.URL`. */
export interface MatchedUrl {
  readonly scheme: string
  readonly opaque: string
  readonly host: string
  /** Decoded. */
  readonly path: string
  readonly rawPath: string
  readonly rawQuery: string
  readonly fragment: string
  readonly rawFragment: string
  readonly forceQuery: boolean
  readonly omitHost: boolean
}

const NO_COOKIES: readonly string[] = []

/**
 * One request on its way through the plan of its rule: what Oathkeeper calls the authentication session.
 * Authenticators fill `subject` and `extra`, authorizers and mutators `headers`.
 */
export class Exchange {
  readonly request: RequestView
  readonly ruleId: string
  /** What the groups of the rule's pattern captured: unnamed groups first, then named ones; empty with globs. */
  readonly captureGroups: readonly string[]
  subject = ''
  /** Claims or session data; `undefined` where Oathkeeper has a nil map. */
  extra: Readonly<Record<string, unknown>> | undefined = undefined
  /** For the upstream (proxy) or the gateway (decision API). */
  headers: HeaderMap = new Map()
  /** Set by `mutators/hydrator`: what templates see of match and request from then on. */
  matchContext: MatchContext | undefined = undefined
  /** The request's headers before those that mutators own were removed, for a rule with a mutator that asks for them. */
  clientHeaders: HeaderList | undefined = undefined
  /** Removes from headers what the rule's mutators own; with `clientHeaders`. */
  removeOwnedHeaders: ((headers: HeaderList) => void) | undefined = undefined
  /** Set by `authenticators/session`: which session let the request in, as its loggable public id. */
  sessionId: string | undefined = undefined
  /** The ticket that was brought and opens a session: with `sessionId`, for whoever must know when that is over. Never told. */
  sessionTicket: string | undefined = undefined
  /** With `sessionTicket`: what holds while it cannot be known whether the session is over. */
  sessionOutage: 'grace' | 'deny' = 'grace'
  /** Set by `authenticators/session`: the request brought a ticket that opens no session, so its cookie is stale. */
  hasStaleTicket = false
  /** With `hasStaleTicket`: one word for why that session ended, where it is known. */
  sessionEnd: string | undefined = undefined
  /** Set by `authenticators/session` where it finds no session: how a login has to be so that its session is enough. */
  wantedLogin: StepUp | undefined = undefined
  /** Go out with the answer of the proxy, whoever writes it; such an answer may not be kept by a cache. */
  answerCookies: readonly string[] = NO_COOKIES
  /** Set by `mutators/noop`: what later mutators set is set on the request too, as Oathkeeper's shared header map does. */
  mirrorsHeaders = false
  /**
   * Set by an authenticator that answers the request itself, such as the callback of a login: called when the authorizer has
   * agreed, in place of the mutators and of an upstream.
   */
  respond: (() => Reply | Promise<Reply>) | undefined = undefined
  /** The step that ran last: where a refused request failed. Nothing before the first step, and when no rule matched. */
  at: StepName | undefined = undefined

  constructor(request: RequestView, ruleId: string, captureGroups: readonly string[]) {
    this.request = request
    this.ruleId = ruleId
    this.captureGroups = captureGroups
  }
}
