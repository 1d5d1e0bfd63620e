import { decodeHead, type StoredHead } from '../../src/sessions/redis/stored-value.ts'
import type { RedisServer } from '../support/redis-server.ts'

/** Everything that is in the database: name, type, lifetime in ms, and the head of a record or the members of an index. */
const LIST_ALL = `
local all = {}
for _, name in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', name).ok
  local text = kind == 'zset' and table.concat(redis.call('ZRANGE', name, 0, -1, 'WITHSCORES'), ' ') or redis.call('GETRANGE', name, 0, 110)
  table.insert(all, { name, kind, tostring(redis.call('PTTL', name)), text })
end
return all
`
const SUBJECTS = 'session:subject:'
/** In which all are filed. */
const ALL = `${SUBJECTS}all`
const PROVIDER_SESSIONS = 'session:sid:'
/** What ends so soon may be over when it is looked at. */
const SOON_MS = 500

/** Says what is wrong with the keys in Redis, if anything is: what has no end, what is filed in no index, or in the wrong one. */
export async function checkKeys(server: RedisServer): Promise<string | undefined> {
  const all = (await server.command('EVAL', LIST_ALL, '0')) as [
    name: string,
    kind: string,
    pttl: string,
    text: string,
  ][]
  const now = Date.now()
  const records = new Map<string, StoredHead>()
  const indexes = new Map<string, Map<string, number>>()
  for (const [name, kind, pttl, text] of all) {
    if (Number(pttl) < 0) return `a key that never ends: ${name}`
    const head = decodeHead(Buffer.from(text))
    if (kind === 'zset') indexes.set(name, readMembers(text))
    else if (head !== undefined) records.set(name.slice('session:'.length), head)
  }
  for (const [key, { subject, providerSession, expiresAt }] of records) {
    if (expiresAt < now + SOON_MS) continue
    const names = [
      ALL,
      SUBJECTS + subject,
      ...(providerSession === undefined ? [] : [PROVIDER_SESSIONS + providerSession]),
    ]
    for (const name of names) if (indexes.get(name)?.has(key) !== true) return `a session is not filed under ${name}`
  }
  for (const [name, members] of indexes)
    for (const [key, score] of members) {
      if (score < now + SOON_MS) continue
      const head = records.get(key)
      const hash = name.startsWith(SUBJECTS) ? head?.subject : head?.providerSession
      if (hash === undefined || (name !== ALL && !name.endsWith(hash)))
        return `${name} names a session that is not there, or another's`
    }
  return undefined
}

function readMembers(text: string): Map<string, number> {
  const words = text.split(' ')
  const members = new Map<string, number>()
  for (let i = 0; i + 1 < words.length; i += 2) members.set(words[i] ?? '', Number(words[i + 1]))
  return members
}
