/** An access rule in Oathkeeper's format, read and defaulted, not yet compiled. */
export interface Rule {
  readonly id: string
  readonly version: string
  readonly description: string
  readonly match: HttpMatch | RpcMatch | undefined
  readonly authenticators: readonly HandlerReference[]
  readonly authorizer: HandlerReference
  readonly mutators: readonly HandlerReference[]
  readonly errors: readonly HandlerReference[]
  readonly upstream: RuleUpstream
}

export interface HttpMatch {
  readonly kind: 'http'
  readonly methods: readonly string[]
  readonly url: string
}

/** Matches calls of RPC methods that a gateway asks about; never other HTTP traffic. */
export interface RpcMatch {
  readonly kind: 'rpc'
  readonly authority: string
  readonly fullMethod: string
  readonly allowHttpGet: boolean
}

/** A handler named in a rule, with the rule's own part of its configuration. */
export interface HandlerReference {
  readonly handler: string
  readonly config: Readonly<Record<string, unknown>> | undefined
}

export interface RuleUpstream {
  readonly url: string
  readonly preserveHost: boolean
  readonly stripPath: string
}
