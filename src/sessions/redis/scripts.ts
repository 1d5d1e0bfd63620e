import { createHash } from 'node:crypto'
import type { RedisArgument, RedisReply } from './connection.ts'

/** A step that Redis does as one: nobody sees it half done. All keys that it touches are given as keys. */
export interface RedisScript {
  readonly source: string
  readonly sha1: string
}

/**
 * Files ARGV[member] under every index key from KEYS[2] on, drops what is over (not all at once: it may be very many), and has
 * the key itself end with its last member.
 */
const FILE_IN_INDEXES = `
local function file(member, ends, now)
  for i = 2, #KEYS do
    local over = redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', now, 'LIMIT', 0, 100)
    if #over > 0 then redis.call('ZREM', KEYS[i], unpack(over)) end
    redis.call('ZADD', KEYS[i], ends, member)
    local last = redis.call('ZRANGE', KEYS[i], -1, -1, 'WITHSCORES')
    redis.call('PEXPIRE', KEYS[i], math.max(1, tonumber(last[2]) - tonumber(now)))
  end
end
`

/** What is there stays, unless it is a record that is over: `nowAt` is the place in ARGV of now as in the record's head. */
const unlessTaken = (nowAt: number): string => `
if redis.call('EXISTS', KEYS[1]) == 1 then
  local head = redis.call('GETRANGE', KEYS[1], 0, 24)
  if string.sub(head, 1, 1) ~= '1' or string.sub(head, 14, 25) > ARGV[${nowAt}] then return 0 end
end
`

/** KEYS: record, indexes. ARGV: value, lifetime in ms, member, end, now, now as in the record's head. Gives 1, or 0 when the record is there. */
export const CREATE_SESSION = script(`${FILE_IN_INDEXES}${unlessTaken(6)}
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
file(ARGV[3], ARGV[4], ARGV[5])
return 1
`)

/** KEYS: record, indexes. ARGV: head that is expected, value, lifetime in ms, member, end, now. Gives 1, or 0 when the record is another. */
export const UPDATE_SESSION = script(`${FILE_IN_INDEXES}
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
file(ARGV[4], ARGV[5], ARGV[6])
return 1
`)

/**
 * KEYS: record, indexes. ARGV: member, channel or nothing, then the word to leave and its lifetime in ms, if any. Gives how many records were
 * deleted. What is no record stays: the word of an earlier end is not overwritten. Where no word is left, the other instances are told
 * that the record was not lost; a user who may not publish need not.
 */
export const DELETE_SESSION = script(`
if redis.call('GETRANGE', KEYS[1], 0, 0) ~= '1' then return 0 end
if ARGV[3] then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
else
  redis.call('DEL', KEYS[1])
  if ARGV[2] ~= '' then redis.pcall('PUBLISH', ARGV[2], ARGV[1]) end
end
for i = 2, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
return 1
`)

/** KEYS: record. ARGV: word to leave, its lifetime in ms, now as in the record's head. Gives 1, or 0 when there is something. */
export const MARK_END = script(`${unlessTaken(3)}
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

/** KEYS: lease. ARGV: holder, lifetime in ms. Gives 1, or 0 when somebody else has it, or nobody. */
export const RENEW_LEASE = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`)

/** KEYS: lease. ARGV: holder. */
export const RELEASE_LEASE = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`)

export type SendCommand = (args: readonly RedisArgument[], isAnswer: (cause: unknown) => boolean) => Promise<RedisReply>

/** Runs a script by its hash, and by its text where the server does not know it (after a restart or failover). */
export async function runScript(
  send: SendCommand,
  { sha1, source }: RedisScript,
  keys: readonly string[],
  args: readonly RedisArgument[],
  isAnswer: (cause: unknown) => boolean = () => false,
): Promise<RedisReply> {
  const rest = [String(keys.length), ...keys, ...args]
  try {
    return await send(['EVALSHA', sha1, ...rest], (cause) => isUnknownScript(cause) || isAnswer(cause))
  } catch (cause) {
    if (!isUnknownScript(cause)) throw cause
    return await send(['EVAL', source, ...rest], isAnswer)
  }
}

function script(source: string): RedisScript {
  const text = source.trim()
  return { source: text, sha1: createHash('sha1').update(text).digest('hex') }
}

function isUnknownScript(cause: unknown): boolean {
  return cause instanceof Error && cause.message.startsWith('NOSCRIPT')
}
