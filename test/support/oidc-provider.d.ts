// What tests and the demo use of oidc-provider, which ships without types.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Grant {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }
  export interface Interaction {
    readonly uid: string
    readonly params: Readonly<Record<string, unknown>>
    readonly prompt: { readonly name: string }
  }
  /** The Koa context with what oidc-provider adds. */
  export interface ProviderContext {
    req: IncomingMessage
    res: ServerResponse
    body: unknown
    status: number
    type: string
    readonly path: string
    readonly method: string
    readonly oidc: {
      readonly route?: string
      readonly client?: { readonly clientId: string; readonly clientName?: string }
      readonly params?: Readonly<Record<string, unknown>>
      readonly acr?: string
      readonly session?: {
        readonly uid: string
        readonly accountId?: string
        grantIdFor(clientId: string): string | undefined
      }
      readonly result?: { readonly login?: unknown; readonly consent?: { readonly grantId?: string } }
    }
    set(name: string, value: string): void
    redirect(url: string): void
  }
  export class Provider {
    constructor(issuer: string, configuration?: Readonly<Record<string, unknown>>)
    readonly issuer: string
    readonly Grant: {
      new (values: { readonly clientId: string; readonly accountId: string }): Grant
      find(id: string): Promise<Grant | undefined>
    }
    proxy: boolean
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    use(middleware: (context: ProviderContext, next: () => Promise<void>) => Promise<void>): this
    on(event: string, listener: (...values: unknown[]) => void): this
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Readonly<Record<string, unknown>>,
      options?: { readonly mergeWithLastSubmission?: boolean },
    ): Promise<void>
  }
  /** What makes the provider ask a person. */
  export const interactionPolicy: {
    base(): { get(prompt: string): { readonly checks: { add(check: unknown): void } } | undefined }
    readonly Check: new (
      reason: string,
      description: string,
      isNeeded: (context: ProviderContext) => boolean,
    ) => unknown
  }
  export default Provider
}
