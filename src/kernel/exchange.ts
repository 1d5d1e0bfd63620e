import type { RequestView } from './request.ts'

/** Headers by Go-canonical name. The fronts use the first value of each name. */
export type HeaderMap = Map<string, string[]>

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
  /** Set by `authenticators/session`: which session let the request in, as its loggable public id. */
  sessionId: string | undefined = undefined

  constructor(request: RequestView, ruleId: string, captureGroups: readonly string[]) {
    this.request = request
    this.ruleId = ruleId
    this.captureGroups = captureGroups
  }
}
