import { setTimeout as sleep } from 'node:timers/promises'
import { findFreePort } from './ports.ts'
import { startRedisServer, type RedisServer, type RedisServerOptions } from './redis-server.ts'

export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** A master with replicas, and Sentinels that watch it. */
export interface SentinelSet {
  readonly name: string
  /** The first is the master in the beginning. */
  readonly servers: readonly RedisServer[]
  readonly sentinels: readonly RedisServer[]
  readonly addresses: readonly RedisAddress[]
  /** Ends what the replicas hear of the master, who goes on; call the result to let them go on too. */
  cutOffReplicas(master: RedisServer): Promise<() => void>
  /** The server that is the master by the word of the Sentinels, in numbers: agreed by most. */
  master(): Promise<RedisServer>
  close(): Promise<void>
}

export interface SentinelSetOptions {
  /** Of the Sentinels. */
  readonly password?: string
  readonly redis?: RedisServerOptions
  /** How the Sentinels call the servers. Default `127.0.0.1`. */
  readonly host?: 'localhost'
  readonly tls?: RedisServerOptions['tls']
}

const DOWN_AFTER_MS = 500
/** A replica is not kept waiting for others that may come. */
const AT_ONCE = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']

export async function startSentinelSet(options: SentinelSetOptions = {}): Promise<SentinelSet> {
  const name = 'sessions'
  const { password, host = '127.0.0.1', tls } = options
  const secured = tls === undefined ? {} : { tls }
  const common = [...AT_ONCE, ...(tls === undefined ? [] : ['--tls-replication', 'yes'])]
  const master = await startRedisServer({ ...options.redis, ...secured, args: common })
  const replicas = await Promise.all(
    [1, 2].map(() =>
      startRedisServer({
        ...options.redis,
        ...secured,
        args: ['--replicaof', host, String(master.port), '--replica-announce-ip', host, ...common],
      }),
    ),
  )
  await waitFor(async () => /connected_slaves:2/.test(String(await master.command('INFO', 'replication'))))
  await waitFor(async () => !/state=(?!online)/.test(String(await master.command('INFO', 'replication'))))
  const ids = await Promise.all([1, 2, 3].map(async (n) => ({ id: String(n).repeat(40), port: await findFreePort() })))
  // They are told what they would find out about each other in some seconds.
  const lines = [
    ...(host === 'localhost' ? ['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes'] : []),
    `sentinel monitor ${name} ${host} ${master.port} 2`,
    `sentinel down-after-milliseconds ${name} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${name} 3000`,
    ...replicas.map(({ port }) => `sentinel known-replica ${name} ${host} ${port}`),
  ]
  const sentinels = await Promise.all(
    ids.map(({ id, port }) =>
      startRedisServer({
        port,
        sentinel: [
          `sentinel myid ${id}`,
          ...lines,
          ...ids
            .filter((other) => other.id !== id)
            .map((other) => `sentinel known-sentinel ${name} 127.0.0.1 ${other.port} ${other.id}`),
        ],
        ...(password === undefined ? {} : { password }),
        ...secured,
      }),
    ),
  )
  for (const sentinel of sentinels) {
    await waitFor(async () =>
      String(await sentinel.command('SENTINEL', 'CKQUORUM', name).catch(String)).startsWith('OK'),
    )
  }
  const servers = [master, ...replicas]
  return {
    name,
    servers,
    sentinels,
    addresses: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    async cutOffReplicas(current) {
      const cutOff = servers.filter((server) => server !== current)
      for (const replica of cutOff) replica.pause()
      // What they are sent waits for them in their sockets, unless there are none.
      await current.command('CLIENT', 'KILL', 'TYPE', 'replica')
      return () => cutOff.forEach((replica) => replica.resume())
    },
    async master() {
      const votes = await Promise.all(sentinels.map((sentinel) => votedPort(sentinel, name)))
      const found = servers.find(({ port }) => votes.filter((vote) => vote === port).length >= 2)
      if (found === undefined) throw new Error(`the Sentinels do not agree: ${votes.join()}`)
      return found
    },
    close: async () => void (await Promise.all([...servers, ...sentinels].map((server) => server.close()))),
  }
}

async function votedPort(sentinel: RedisServer, name: string): Promise<number | undefined> {
  try {
    const asked = sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name) as Promise<string[]>
    // One that is paused never answers.
    const place = await Promise.race([asked, sleep(2000)])
    return place === undefined ? undefined : Number(place[1])
  } catch {
    return undefined
  }
}

/** A cluster of masters, each with as many replicas. */
export interface RedisCluster {
  readonly masters: readonly RedisServer[]
  readonly replicas: readonly RedisServer[]
  readonly addresses: readonly RedisAddress[]
  close(): Promise<void>
}

export async function startRedisCluster(replicasOfEach = 0, redis: RedisServerOptions = {}): Promise<RedisCluster> {
  const busPorts = new Map<RedisServer, number>()
  const encrypted = redis.tls === undefined ? [] : ['--tls-cluster', 'yes', '--tls-replication', 'yes']
  const start = async (): Promise<RedisServer> => {
    const busPort = await findFreePort()
    const ports = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000']
    const args = [...ports, ...encrypted]
    const more = [...AT_ONCE, ...(redis.args ?? [])]
    const server = await startRedisServer({ ...redis, args: [...args, ...more] })
    busPorts.set(server, busPort)
    return server
  }
  const masters = await Promise.all([0, 1, 2].map(start))
  const replicas = await Promise.all(Array.from({ length: 3 * replicasOfEach }, start))
  const nodes = [...masters, ...replicas]
  await Promise.all(
    masters.map((master, i) => {
      const [first, last] = [Math.ceil((i * 16_384) / 3), Math.ceil(((i + 1) * 16_384) / 3) - 1]
      return master.command('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last))
    }),
  )
  for (const [i, node] of nodes.entries()) await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
  for (const node of nodes.slice(1)) {
    await masters[0]?.command('CLUSTER', 'MEET', '127.0.0.1', String(node.port), String(busPorts.get(node)))
  }
  for (const [i, replica] of replicas.entries()) {
    const master = masters[i % 3]
    const id = String(await master?.command('CLUSTER', 'MYID'))
    await waitFor(async () => (await replica.command('CLUSTER', 'REPLICATE', id).catch(() => undefined)) === 'OK')
  }
  for (const node of nodes)
    await waitFor(async () => isWhole(String(await node.command('CLUSTER', 'INFO')), nodes.length))
  for (const replica of replicas)
    await waitFor(async () => /master_link_status:up/.test(String(await replica.command('INFO', 'replication'))))
  return {
    masters,
    replicas,
    addresses: masters.map(({ port }) => ({ host: '127.0.0.1', port })),
    close: async () => void (await Promise.all(nodes.map((node) => node.close()))),
  }
}

function isWhole(info: string, nodes: number): boolean {
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes}`)
}

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await isSo()) return
    await sleep(25)
  }
  throw new Error('the servers did not come together')
}
