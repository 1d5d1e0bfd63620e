import type { RedisAddress } from './address.ts'
import { type ClusterMap, readClusterMap } from './cluster-map.ts'
import type { RedisLink } from './link.ts'

/** A node that can be asked. */
type Node = Pick<RedisLink, 'isConnected' | 'target' | 'sendRaw'>

/** A cluster as one of its nodes sees it. */
interface ClusterView {
  readonly map: ClusterMap
  /** Whether the node is of the part that may decide. */
  readonly isOk: boolean
  /** Grows with each failover. */
  readonly epoch: number
}

/** So many nodes are asked, so that one that was cut off is outvoted. */
const ASKED = 3

/** The map by the node that has seen most, of some that are connected; `undefined` when none of them answers. */
export async function askForMap(links: Iterable<Node>): Promise<ClusterMap | undefined> {
  const connected = [...links].filter((link) => link.isConnected)
  const asked = shuffled(connected).slice(0, ASKED)
  const views = (await Promise.all(asked.map((link) => viewOf(link).catch(() => undefined)))).filter(
    (view) => view !== undefined,
  )
  return views.toSorted((a, b) => Number(b.isOk) - Number(a.isOk) || b.epoch - a.epoch)[0]?.map
}

/** The map by one node. */
export async function askNode(link: Node, address: RedisAddress): Promise<ClusterMap> {
  return readClusterMap(await link.sendRaw(['CLUSTER', 'SLOTS']), address)
}

async function viewOf(link: Node): Promise<ClusterView | undefined> {
  const { address } = link.target
  if (address === undefined) return undefined
  const [map, info] = await Promise.all([
    askNode(link, address),
    // A user who may not run it has the first answer believed.
    link.sendRaw(['CLUSTER', 'INFO']).then(String, () => ''),
  ])
  return {
    map,
    isOk: !info.includes('cluster_state:fail'),
    epoch: Number(/^cluster_current_epoch:(\d{1,15})/m.exec(info)?.[1] ?? 0),
  }
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
