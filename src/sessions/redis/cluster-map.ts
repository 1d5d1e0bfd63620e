import { formatRedisAddress, type RedisAddress } from './address.ts'
import type { RedisReply } from './connection.ts'
import { SLOTS } from './slots.ts'

/** Which master has which slots. */
export interface ClusterMap {
  /** By `host:port`. */
  readonly masters: ReadonlyMap<string, RedisAddress>
  /** `host:port` of the master of each slot; `undefined` where none has it. */
  readonly owners: (string | undefined)[]
  readonly isWhole: boolean
}

/** Reads the reply to CLUSTER SLOTS; a node that does not know its own address is the one that was asked. */
export function readClusterMap(reply: RedisReply, asked: RedisAddress): ClusterMap {
  const masters = new Map<string, RedisAddress>()
  const owners = Array.from<string | undefined>({ length: SLOTS })
  for (const range of listOf(reply)) {
    const [first, last, master] = listOf(range)
    const address = addressOf(master, asked)
    if (address === undefined) continue
    const name = formatRedisAddress(address)
    masters.set(name, address)
    owners.fill(name, Number(first), Number(last) + 1)
  }
  return { masters, owners, isWhole: !owners.includes(undefined) }
}

export interface Redirection {
  readonly slot: number
  readonly address: RedisAddress
}

/** Where `MOVED 3999 host:port` or `ASK 3999 host:port` points to. */
export function readRedirection(message: string, asked: RedisAddress): Redirection | undefined {
  const [, slot, host, port] = /^(?:MOVED|ASK) (\d{1,5}) (\S*):(\d{1,5})$/.exec(message) ?? []
  if (host === undefined) return undefined
  const address = { host: isNoName(host) ? asked.host : host.replace(/^\[|\]$/g, ''), port: Number(port) }
  return { slot: Number(slot), address }
}

/** Of a node without the kind of name that nodes are to be called by, its `ip` may be given beside. */
function addressOf(node: unknown, asked: RedisAddress): RedisAddress | undefined {
  const [name, port, , more] = listOf(node)
  const number = Number(port)
  if (!(number > 0 && number < 65_536)) return undefined
  const host = textOf(name)
  if (!isNoName(host)) return { host, port: number }
  const ip = host === '?' ? textOf((more as Readonly<Record<string, unknown>> | undefined)?.['ip']) : ''
  return { host: isNoName(ip) ? asked.host : ip, port: number }
}

/** The place that was asked is meant. */
function isNoName(host: string): boolean {
  return host === '' || host === '?'
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : String(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
