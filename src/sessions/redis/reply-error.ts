/** `ERR Error running script (call to f_…): @user_script:8: @user_script: 8: -READONLY You can't write …` */
const WRAPPED = /^ERR Error running script .*?@user_script:\d+: (?:@user_script: \d+: )?-?([A-Z]{2,} .*)$/s

/** What a command in a script said, as the command itself would have said it: Redis 6.2 wraps it, later ones do not. */
export function unwrapScriptError(cause: unknown): unknown {
  const said = cause instanceof Error ? WRAPPED.exec(cause.message)?.[1] : undefined
  return said === undefined ? cause : new Error(said, { cause })
}

/** The server does not know who we are, or no longer. */
export function isAuthRefused(cause: unknown): boolean {
  return cause instanceof Error && /^(NOAUTH|WRONGPASS)|invalid (username-)?password/.test(cause.message)
}
