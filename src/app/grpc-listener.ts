import { type HealthSources, ready } from '../admin/health.ts'
import type { Config } from '../config/config.ts'
import { createExtAuthz, EXT_AUTHZ_SERVICE } from '../decision/ext-authz/ext-authz.ts'
import { createHealthCheck } from '../grpc/health.ts'
import { createGrpcServer, type GrpcServer } from '../grpc/server.ts'
import { compileTrust } from '../http/forwarded.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Gate } from '../kernel/gate.ts'
import type { Logger } from '../kernel/logger.ts'
import { tlsMaterial } from './area-options.ts'
import type { SignIn } from './sign-in.ts'

export interface GrpcListenerDeps {
  readonly gate: Gate
  /** Of the configuration in force. */
  readonly signIn: () => SignIn
  readonly health: HealthSources
  readonly clock: Clock
  readonly logger: Logger
}

/** Creates the listener of gRPC: Envoy's external authorization, and health. Nothing when it is not enabled. */
export function createGrpcListener({ serve, accessRules }: Config, deps: GrpcListenerDeps): GrpcServer | undefined {
  const { enabled, host, port, tls, timeouts, trustedProxies, maxMessageSize } = serve.grpc
  if (!enabled) return undefined
  const { gate, signIn, health, clock, logger } = deps
  const extAuthz = createExtAuthz(
    {
      trustedProxies,
      trailingSlash: accessRules.trailingSlash,
      isOwnCookie: (name) => signIn().isOwnCookie(name),
    },
    { gate, logger },
  )
  const isReady = async (): Promise<boolean> => (await ready(health)).status === 200
  return createGrpcServer(
    {
      host,
      port,
      tls: tlsMaterial('grpc', tls),
      readTimeoutMs: timeouts.readMs,
      writeTimeoutMs: timeouts.writeMs,
      idleTimeoutMs: timeouts.idleMs,
      maxMessageSize,
      trusts: compileTrust(trustedProxies),
    },
    {
      methods: [extAuthz, createHealthCheck({ services: [EXT_AUTHZ_SERVICE], isReady })],
      clock,
      logger,
      onConnection({ address, trusted }) {
        if (trusted) return
        logger.warn(
          { peer: address },
          'a peer that serve.grpc.trusted_proxies does not name is told no, whatever it asks',
        )
      },
    },
  )
}
