import type { RedisStoreOptions } from './options.ts'
import { ClusterServers } from './cluster.ts'
import { CommandedServers } from './commanded-servers.ts'
import { channelOf } from './keyspace.ts'
import type { RedisLinkDeps } from './link-options.ts'
import { OneServer } from './one-server.ts'
import { Sentinels } from './sentinel.ts'
import type { RedisServers } from './servers.ts'

/** Creates what knows the configured servers; nothing is connected yet. */
export function createServers(options: RedisStoreOptions, deps: RedisLinkDeps): RedisServers {
  const { credentialsCommand } = options
  if (credentialsCommand === undefined) return createPlain(options, deps)
  return new CommandedServers(credentialsCommand, (refused) => createPlain(options, { ...deps, refused }), deps)
}

function createPlain(options: RedisStoreOptions, deps: RedisLinkDeps): RedisServers {
  const { servers, credentials, tls, db, connectTimeoutMs, commandTimeoutMs, tracking } = options
  const channel = channelOf(options.sessionPrefix)
  const common = { credentials, tls, db, connectTimeoutMs, commandTimeoutMs, tracking, channel }
  if (servers.kind === 'cluster') return new ClusterServers(servers.addresses, common, deps)
  const one = { ...common, proofPrefix: `${options.sessionPrefix}lease:tracking-` }
  if (servers.kind === 'single') return new OneServer(servers.address, { ...one, key: servers.key }, deps)
  return new OneServer(new Sentinels(servers, options, deps.logger), { ...one, key: 'sentinel' }, deps)
}
