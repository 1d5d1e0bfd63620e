/** How a person has to log in again, because the session that they have is not enough for a rule. */
export interface StepUp {
  /** The `acr` of the login must be one of them, the first one preferred; `undefined`: any. */
  readonly acrValues: readonly string[] | undefined
  /** How long ago the person may have authenticated, in seconds; `undefined`: any time. */
  readonly maxAgeSeconds: number | undefined
}

/** One `acr`: no space, which parts them, and nothing that would end a quoted text in a header. */
export const ACR_VALUE = /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/

/** All of `acr_values` together, which travel in a URL and in a header. */
export const MAX_ACR_VALUES_CHARS = 1000
