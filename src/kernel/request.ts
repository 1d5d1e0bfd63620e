import type { HeaderList } from './headers.ts'

/**
 * What the pipeline sees of a request, whichever front received it. The proxy and the decision API differ only in how
 * they make one and in how they write the answer.
 */
export interface RequestView {
  readonly front: 'proxy' | 'decision'
  readonly method: string
  /** Whether it calls an RPC method, which rules with `full_method` may match. Only where a gateway asks by gRPC. */
  readonly isRpc?: boolean
  /** As the rules see it: `http` or `https` on the proxy, whatever a trusted gateway says on the decision API. */
  readonly scheme: string
  /** Host with the port when the client named one. */
  readonly host: string
  /** As this process was asked: on the decision API that of the gateway's own request, whatever its headers say. */
  readonly receivedHost: string
  /** Decoded once and cleaned: the one path that is matched, shown to templates and forwarded. */
  readonly path: string
  /**
   * Only on the decision API, where the gateway forwards the path as it came: `path` before `..` was taken out of it. Not there
   * when there was none.
   */
  readonly uncleanPath?: string | undefined
  /** The encoded form of `path` where it differs from the default encoding (Go's `URL.RawPath`), else empty. */
  readonly rawPath: string
  /** Without `?`; empty when there is none. */
  readonly rawQuery: string
  /** After hop-by-hop and forwarded-header treatment; live: mutators may change it. */
  readonly headers: HeaderList
  /** Address of the client: the peer, or what a trusted proxy says it is. No port, no brackets. */
  readonly clientAddress: string
  /** The peer of the TCP connection. */
  readonly peerAddress: string
  /** Whether the peer is one whose forwarded headers count. */
  readonly peerTrusted: boolean
  /** `X-Request-Id` of the request, or one made for it; for logs and error bodies. */
  readonly requestId: string
  /** The target as a browser's address bar would hold it: path and query as sent, for return targets and redirects. */
  readonly originalUri: string
  /** Reads the body once and keeps it for forwarding. Rejects with ERR_REQUEST_BODY_TOO_LARGE above `limitBytes`. */
  readBody(limitBytes: number): Promise<Uint8Array>
}
