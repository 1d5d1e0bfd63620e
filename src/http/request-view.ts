import type { HeaderList } from '../kernel/headers.ts'
import type { RequestView } from '../kernel/request.ts'
import type { Received } from './receive.ts'
import { makeRequestId } from './request-id.ts'
import type { RequestBody } from './request-body.ts'

/** What a front decides by itself; the rest is as received. */
export interface ViewParts {
  readonly front: RequestView['front']
  readonly method: string
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly rawPath: string
  readonly uncleanPath?: string | undefined
  readonly rawQuery: string
  readonly originalUri: string
}

/** A request of node:http as the pipeline sees it. */
export class IncomingView implements RequestView {
  readonly front: RequestView['front']
  readonly method: string
  readonly scheme: string
  readonly host: string
  readonly receivedHost: string
  readonly path: string
  readonly rawPath: string
  readonly uncleanPath: string | undefined
  readonly rawQuery: string
  readonly originalUri: string
  readonly headers: HeaderList
  readonly clientAddress: string
  readonly peerAddress: string
  readonly peerTrusted: boolean
  /** Nothing when the request has none. */
  readonly body: RequestBody | undefined
  #requestId: string | undefined

  constructor(parts: ViewParts, received: Received) {
    this.front = parts.front
    this.method = parts.method
    this.scheme = parts.scheme
    this.host = parts.host
    this.receivedHost = parts.front === 'proxy' ? parts.host : received.head.host
    this.path = parts.path
    this.rawPath = parts.rawPath
    this.uncleanPath = parts.uncleanPath
    this.rawQuery = parts.rawQuery
    this.originalUri = parts.originalUri
    this.headers = received.head.headers
    this.clientAddress = received.clientAddress
    this.peerAddress = received.connection.peerAddress
    this.peerTrusted = received.connection.trusted
    this.body = received.body
    this.#requestId = received.requestId
  }

  get requestId(): string {
    return (this.#requestId ??= makeRequestId())
  }

  readBody(limitBytes: number): Promise<Uint8Array> {
    return this.body === undefined ? Promise.resolve(new Uint8Array(0)) : this.body.readAll(limitBytes)
  }
}
