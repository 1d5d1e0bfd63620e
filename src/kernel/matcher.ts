/** The rules in force, compiled. Swapped whole when a source changes. */
export interface Matcher<Plan> {
  /**
   * `path` is decoded and cleaned. `isRpc`: rules about RPC methods may match as well, default false. Throws a GateError
   * (ERR_RULE_NOT_FOUND, ERR_RULE_AMBIGUOUS, ERR_RULE_MATCH_FAILED).
   */
  match(method: string, scheme: string, host: string, path: string, isRpc?: boolean): Match<Plan>
}

export interface Match<Plan> {
  readonly plan: Plan
  /** Unnamed groups in order, then named ones; `''` for a group that took no part. Always empty with globs. */
  readonly captureGroups: readonly string[]
}
