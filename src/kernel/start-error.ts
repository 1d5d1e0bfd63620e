/**
 * The product could not start or go on although its configuration is right: a store that is not there, a port that is
 * taken. The message is a sentence for the operator that says what to check, and holds no secret.
 */
export class StartError extends Error {
  override readonly name = 'StartError'
}
