import type { RedisServers } from './servers.ts'

/** The members of indexes whose time is after `now`. */
export async function readMembers(servers: RedisServers, indexes: readonly string[], now: number): Promise<string[]> {
  const replies = await Promise.all(
    indexes.map((index) => servers.send(index, ['ZRANGEBYSCORE', index, `(${now}`, '+inf'])),
  )
  return replies.flatMap((members) => (Array.isArray(members) ? members.map(String) : []))
}

/** How many they are. */
export async function countMembers(servers: RedisServers, indexes: readonly string[], now: number): Promise<number> {
  const counts = await Promise.all(indexes.map((index) => servers.send(index, ['ZCOUNT', index, `(${now}`, '+inf'])))
  return counts.reduce<number>((sum, count) => sum + Number(count), 0)
}
