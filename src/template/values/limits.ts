/** What one rendering may use; above it is an execution error, so that no template can stall or exhaust the process. */

/** Characters of the output, and of any text on the way. */
export const MAX_TEXT = 1_048_576
/** Elements of a list that a function makes. */
export const MAX_ITEMS = 65_536
/** Templates that call templates. */
export const MAX_TEMPLATE_DEPTH = 200
/** Lists and maps within each other, where a function walks through them. */
export const MAX_DATA_DEPTH = 200
/** Statements, iterations and calls, each of these with the length of its texts on top. */
export const MAX_STEPS = 1_000_000

/** A template wanted more than it may use. */
export class LimitError extends Error {
  override readonly name = 'LimitError'
}

/** Fails before a function makes a text of that many characters. */
export function checkTextLength(length: number): void {
  if (length > MAX_TEXT) throw new LimitError('result is too long')
}

/** Fails before a function makes a list of that many elements. */
export function checkItemCount(count: number): void {
  if (count > MAX_ITEMS) throw new LimitError('list is too long')
}
