import type { Peer } from './peer.ts'

/** A method of a service: takes one message, gives one. */
export interface UnaryMethod {
  /** `/package.Service/Method`. */
  readonly path: string
  /**
   * Answers a call. `message` is a view of what was received.
   * @throws {GrpcError} what the caller gets instead of a message; anything else is INTERNAL and logged.
   */
  answer(message: Buffer, peer: Peer): Buffer | Promise<Buffer>
  /** What to answer to a message above the limit of the listener, which is not read. Without it RESOURCE_EXHAUSTED. */
  answerTooLarge?(peer: Peer): Buffer
}
