import { formatRedisAddress, type RedisAddress } from './address.ts'
import type { RedisReply } from './connection.ts'
import { SLOTS } from './slots.ts'

/** Which master has which slots. */
export interface ClusterMap {
  /** By `host:port`. */
  readonly masters: ReadonlyMap<string, RedisAddress>
  /** `host:port` of the master of each slot; `undefined` where none has it. */
  readonly owners: readonly (string | undefined)[]
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

/** Where `MOVED 3999 host:port` or `ASK 3999 host:port` points to. */
export function readRedirection(message: string, asked: RedisAddress): RedisAddress | undefined {
  const [, host, port] = /^(?:MOVED|ASK) \d{1,5} ([^\s]*):(\d{1,5})$/.exec(message) ?? []
  if (host === undefined) return undefined
  return { host: host === '' || host === '?' ? asked.host : host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function addressOf(node: unknown, asked: RedisAddress): RedisAddress | undefined {
  const [host, port] = listOf(node)
  const number = Number(port)
  if (!(number > 0 && number < 65_536)) return undefined
  const name = host === null || host === undefined ? '' : String(host)
  return { host: name === '' || name === '?' ? asked.host : name, port: number }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
