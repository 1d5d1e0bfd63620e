/** Exit codes, as the manual promises them. */
export const EXIT = {
  done: 0,
  /** It could not: a store that cannot be reached, a port that is taken. */
  failed: 1,
  /** Wrong usage: an unknown command or option. */
  usage: 2,
  /** The configuration is refused. Oathkeeper's own code for it. */
  refused: 255,
} as const
