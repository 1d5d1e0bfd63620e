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

/** Looks at each of `keys`, so many at once. */
export async function lookAtEach<Found>(
  keys: readonly string[],
  atOnce: number,
  look: (key: string) => Promise<Found>,
): Promise<Found[]> {
  const found: Found[] = []
  for (let at = 0; at < keys.length; at += atOnce) {
    found.push(...(await Promise.all(keys.slice(at, at + atOnce).map(look))))
  }
  return found
}
