import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { connectTo } from './ports.ts'

export interface DemoRedis {
  /** `host:port` */
  readonly address: string
  stop(): Promise<void>
}

/** A redis-server of the demo's own, on a free port, that writes each change to disk unless it `isKept` in memory alone. */
export async function startRedis(program: string, { isKept = true } = {}): Promise<DemoRedis> {
  const port = await findFreePort()
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-demo-redis-'))
  const persistence = isKept ? ['--appendonly', 'yes'] : ['--save', '']
  const child = spawn(
    program,
    [...`--bind 127.0.0.1 --port ${port} --maxmemory-policy noeviction --dir`.split(' '), folder, ...persistence],
    { stdio: 'ignore', detached: true },
  )
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) break
    if (await connectTo(port)) return { address: `127.0.0.1:${port}`, stop }
    await wait(50)
  }
  await stop()
  throw new Error(`redis-server did not start on port ${port}`)
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
