import type { RedisArgument, RedisReply } from './connection.ts'
import { runScript, type RedisScript, type SendCommand } from './scripts.ts'
import { isWrongType, type RedisServers } from './servers.ts'

/** Runs a script on the server that has its keys; 0 where something else than ours is kept under them. */
export async function runStep(
  servers: RedisServers,
  script: RedisScript,
  keys: readonly [string, ...string[]],
  args: readonly RedisArgument[],
): Promise<RedisReply> {
  try {
    const send: SendCommand = (command, isAnswer) => servers.send(keys[0], command, isAnswer)
    return await runScript(send, script, keys, args, isWrongType)
  } catch (cause) {
    if (isWrongType(cause)) return 0
    throw cause
  }
}
