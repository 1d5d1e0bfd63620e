import type { Readable } from 'node:stream'
import type { ObjectLocation } from './location.ts'

/** An object as a store begins to give it. */
export interface OpenedObject {
  readonly stream: Readable
  /** How long it says that it is. */
  readonly size: number | undefined
  /** What the store calls this content: an ETag, or a generation. */
  readonly version: string | undefined
}

export interface GetOptions {
  /** The version at hand: nothing is given when it is still the one. */
  readonly known: string | undefined
  /** Aborted when nobody waits any longer. */
  readonly signal: AbortSignal
}

/** One object, through the SDK of its vendor. */
export interface ObjectClient {
  /** Rejects as the SDK does. */
  get(options: GetOptions): Promise<OpenedObject | undefined>
  close(): void
}

/** Loads the SDK and prepares a client. @throws {ObjectError} */
export type ConnectObject = (location: ObjectLocation, timeoutMs: number) => Promise<ObjectClient>

/** An object that could not be had. The message is for the operator, and holds no credentials. */
export class ObjectError extends Error {
  override readonly name = 'ObjectError'
}
