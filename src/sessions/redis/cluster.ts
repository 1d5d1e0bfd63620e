import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../kernel/logger.ts'
import type { BreakerState } from '../contract.ts'
import { storeUnavailable } from '../store-error.ts'
import { formatRedisAddress, type RedisAddress } from './address.ts'
import { type ClusterMap, readRedirection } from './cluster-map.ts'
import { askForMap, askNode } from './cluster-view.ts'
import type { RedisArgument, RedisCredentials, RedisReply } from './connection.ts'
import { CLUSTER_DOWN, diagnose, tell } from './diagnose.ts'
import { RedisLink } from './link.ts'
import type { RedisLinkDeps, RedisLinkOptions, WatchedReply } from './link-options.ts'
import { type IsAnswer, type RedisServers, ServersError } from './servers.ts'
import { slotOf } from './slots.ts'

/** How often a command follows the cluster from one node to another. */
const MAX_REDIRECTIONS = 4
const TRY_AGAIN_MS = 25
/** How often the map is asked for while all is well, while something is not, and at most. */
const LOOK_EVERY_MS = 2_000
const LOOK_AGAIN_MS = 250
const LOOK_AFTER_MS = 50

const REDIRECTED = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /

/** A Redis Cluster: a link to each master, and a map of which has what. */
export class ClusterServers implements RedisServers {
  readonly #seeds: readonly RedisAddress[]
  readonly #options: Omit<RedisLinkOptions, 'locate' | 'mastersOnly' | 'key'>
  readonly #deps: RedisLinkDeps
  readonly #logger: Logger
  readonly #links = new Map<string, RedisLink>()
  #map: ClusterMap = { masters: new Map(), owners: [], isWhole: false }
  #credentials: RedisCredentials
  #isKeptAlive = false
  #isClosed = false
  /** Links that are being connected for the first time. */
  readonly #arrivals = new Map<RedisLink, Promise<void>>()
  #looking: Promise<void> | undefined
  #lookout: NodeJS.Timeout | undefined
  #looksAt = Number.POSITIVE_INFINITY
  #lookedAt = 0

  constructor(
    seeds: readonly RedisAddress[],
    options: Omit<RedisLinkOptions, 'locate' | 'mastersOnly' | 'key'>,
    deps: RedisLinkDeps,
  ) {
    this.#seeds = seeds
    this.#options = options
    this.#credentials = options.credentials
    this.#logger = deps.logger
    this.#deps = { ...deps, lost: () => this.#lookIn(0) }
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  async connect(): Promise<readonly RedisLink[]> {
    this.#map = await this.#askSeeds()
    if (!this.#map.isWhole) throw new ServersError(tell(CLUSTER_DOWN, this.#targetOf(undefined)))
    await Promise.all(
      [...this.#map.masters.values()].map(async (address) => {
        const link = this.#linkTo(address)
        await this.#connectTo(link)
      }),
    )
    return [...this.#links.values()]
  }

  disconnect(): void {
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  keepAlive(): void {
    this.#isKeptAlive = true
    for (const link of this.#links.values()) link.keepAlive()
    this.#lookIn(LOOK_EVERY_MS)
  }

  async send(name: string, args: readonly RedisArgument[], isAnswer?: IsAnswer): Promise<RedisReply> {
    return (await this.#follow(name, (link, isAsked, stops) => this.#ask(link, args, isAsked, stops), isAnswer)).reply
  }

  async read(name: string, args: readonly RedisArgument[], isAnswer?: IsAnswer): Promise<WatchedReply> {
    return await this.#follow(
      name,
      (link, isAsked, stops) => (isAsked ? this.#ask(link, args, isAsked, stops) : link.read(args, stops)),
      isAnswer,
    )
  }

  distrust(name: string): Error {
    return this.#ownerOf(name)?.distrust() ?? storeUnavailable('a reply of another kind than was asked for')
  }

  async ping(): Promise<void> {
    if (!this.#map.isWhole) throw storeUnavailable(tell(CLUSTER_DOWN, this.#targetOf(undefined)))
    await Promise.all([...this.#links.values()].map((link) => link.send(['PING'])))
  }

  breaker(): BreakerState {
    const states = [...this.#links.values()].map((link) => link.breaker)
    if (!this.#map.isWhole || states.includes('open')) return 'open'
    return states.includes('half_open') ? 'half_open' : 'closed'
  }

  async useCredentials(credentials: RedisCredentials): Promise<void> {
    this.#credentials = credentials
    await Promise.all([...this.#links.values()].map((link) => link.useCredentials(credentials)))
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#lookout)
    this.disconnect()
  }

  /** Sends to the owner of the key, and from there to wherever the cluster says: none of the nodes before has done anything. */
  async #follow(
    name: string,
    ask: (link: RedisLink, isAsked: boolean, stops: IsAnswer) => Promise<WatchedReply>,
    isAnswer: IsAnswer = () => false,
  ): Promise<WatchedReply> {
    let link = this.#ownerOf(name)
    let isAsked = false
    for (let redirection = 0; ; redirection++) {
      if (link === undefined) throw storeUnavailable(tell(CLUSTER_DOWN, this.#targetOf(undefined)))
      if (!link.isConnected) await this.#arrivalOf(link)
      try {
        return await ask(link, isAsked, (cause) => isRedirection(cause) || isAnswer(cause))
      } catch (cause) {
        if (!isRedirection(cause)) throw cause
        if (/^(MOVED|CLUSTERDOWN)/.test(cause.message)) this.#lookIn(0)
        if (redirection === MAX_REDIRECTIONS || cause.message.startsWith('CLUSTERDOWN')) {
          throw storeUnavailable(diagnose(cause, link.target))
        }
        isAsked = cause.message.startsWith('ASK')
        if (cause.message.startsWith('TRYAGAIN')) await sleep(TRY_AGAIN_MS)
        else link = this.#redirect(cause, link)
      }
    }
  }

  async #ask(
    link: RedisLink,
    args: readonly RedisArgument[],
    isAsked: boolean,
    stops: IsAnswer,
  ): Promise<WatchedReply> {
    // What is read on its way to another node is vouched for by nobody.
    return { reply: await (isAsked ? link.sendAsking(args, stops) : link.send(args, stops)), watch: undefined }
  }

  /** The node that `cause` points to; it may be one that nobody has heard of yet. */
  #redirect(cause: Error, from: RedisLink): RedisLink | undefined {
    const { address } = from.target
    const next = address === undefined ? undefined : readRedirection(cause.message, address)
    if (next === undefined || this.#isClosed) return undefined
    // What asks after it goes there at once.
    if (cause.message.startsWith('MOVED')) this.#map.owners[next.slot] = formatRedisAddress(next.address)
    return this.#links.get(formatRedisAddress(next.address)) ?? this.#welcome(next.address)
  }

  /** A link to a node that has not been known before, on its way. */
  #welcome(address: RedisAddress): RedisLink {
    const link = this.#linkTo(address)
    const arrival = link.begin().finally(() => this.#arrivals.delete(link))
    this.#arrivals.set(link, arrival)
    return link
  }

  /** Not longer than for a command: a node that cannot be reached is no reason to wait. */
  async #arrivalOf(link: RedisLink): Promise<void> {
    const arrival = this.#arrivals.get(link)
    if (arrival === undefined) return
    await Promise.race([arrival, sleep(this.#options.commandTimeoutMs, undefined, { ref: false })])
  }

  #ownerOf(name: string): RedisLink | undefined {
    const owner = this.#map.owners[slotOf(name)]
    return owner === undefined ? undefined : this.#links.get(owner)
  }

  #linkTo(address: RedisAddress): RedisLink {
    const name = formatRedisAddress(address)
    const known = this.#links.get(name)
    if (known !== undefined) return known
    const link = this.#newLink(address, 'cluster')
    this.#links.set(name, link)
    return link
  }

  #newLink(address: RedisAddress, key: 'cluster' | 'cluster.addrs'): RedisLink {
    const own = { credentials: this.#credentials, locate: () => address, mastersOnly: false, key }
    // What is asked for the map and nothing else need not tell of changes.
    const tracking = this.#options.tracking && key === 'cluster'
    const options = { ...this.#options, ...own, tracking }
    const { connected: _, ...deps } = this.#deps
    return new RedisLink(options, key === 'cluster' ? this.#deps : deps)
  }

  async #connectTo(link: RedisLink): Promise<void> {
    try {
      await link.connect()
    } catch (cause) {
      throw new ServersError(diagnose(cause, link.target))
    }
  }

  /** However many ask for it: a node is not asked again right after it was. */
  #lookIn(ms: number): void {
    if (!this.#isKeptAlive || this.#isClosed) return
    const now = performance.now()
    const at = Math.max(now + ms * (0.75 + Math.random() / 2), this.#lookedAt + LOOK_AFTER_MS)
    if (at >= this.#looksAt) return
    this.#looksAt = at
    clearTimeout(this.#lookout)
    this.#lookout = setTimeout(() => {
      this.#looksAt = Number.POSITIVE_INFINITY
      void this.#look()
    }, at - now).unref()
  }

  /** Asks for the map and follows it: links to new masters, none to those that are masters no longer. */
  #look(): Promise<void> {
    this.#looking ??= this.#takeMap().finally(() => {
      this.#looking = undefined
      this.#lookedAt = performance.now()
      const isWell = this.#map.isWhole && [...this.#links.values()].every((link) => link.isConnected)
      this.#lookIn(isWell ? LOOK_EVERY_MS : LOOK_AGAIN_MS)
    })
    return this.#looking
  }

  async #takeMap(): Promise<void> {
    const map = await this.#askAnyone()
    if (map === undefined || this.#isClosed) return
    if (this.#map.isWhole && !map.isWhole) this.#logger.error({}, tell(CLUSTER_DOWN, this.#targetOf(undefined)))
    this.#map = map
    for (const [name, address] of map.masters) if (!this.#links.has(name)) this.#welcome(address)
    for (const [name, link] of this.#links) {
      if (map.masters.has(name)) continue
      this.#links.delete(name)
      link.close()
    }
  }

  /** Who is connected knows; else the addresses of the configuration may lead to somebody who does. */
  async #askAnyone(): Promise<ClusterMap | undefined> {
    return (await askForMap(this.#links.values())) ?? (await this.#askSeeds().catch(() => undefined))
  }

  async #askSeeds(): Promise<ClusterMap> {
    let problem: ServersError | undefined
    for (const address of this.#seeds) {
      const link = this.#newLink(address, 'cluster.addrs')
      try {
        await this.#connectTo(link)
        return await askNode(link, address)
      } catch (cause) {
        problem ??= cause instanceof ServersError ? cause : new ServersError(diagnose(cause, link.target))
      } finally {
        link.close()
      }
    }
    throw problem ?? new ServersError('session_store.redis.cluster.addrs is empty')
  }

  #targetOf(address: RedisAddress | undefined) {
    return { address, db: 0, key: 'cluster', tls: this.#options.tls !== undefined } as const
  }
}

function isRedirection(cause: unknown): cause is Error {
  return cause instanceof Error && REDIRECTED.test(cause.message)
}
