// `npm run demo`: Oathkeeper in front of a small application, with a real OpenID provider to log in at.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { ensurePrograms, findProgram, REDIS_SERVER } from '../../scripts/lib/system-packages.ts'
import { createApplication } from './application.ts'
import { Oathkeeper } from './oathkeeper.ts'
import { hasUsualPorts, readPorts, replacePorts, type DemoPorts } from './ports.ts'
import { createDemoProvider } from './provider.ts'
import { startRedis } from './redis.ts'

const HELP = `npm run demo [-- --redis] [-- --logs]

  --redis  keep the sessions in Redis instead of memory (npm run demo:redis)
  --logs   show what Oathkeeper logs, a line for each decision

Ports: DEMO_PORT (4455), DEMO_API_PORT (4456), DEMO_PROVIDER_PORT (9090), DEMO_APPLICATION_PORT (8080).
`

const { values: options } = parseArgs({
  options: { redis: { type: 'boolean' }, logs: { type: 'boolean' }, help: { type: 'boolean' } },
})
if (options.help === true) {
  console.log(HELP)
  process.exit(0)
}

/** Undone in reverse order at the end. */
const cleanups: (() => void | Promise<void>)[] = []
let isStopping = false

try {
  await main()
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`)
  await stop(1)
}

async function main(): Promise<void> {
  if (options.redis === true) ensurePrograms([REDIS_SERVER])
  const ports = await readPorts(process.env)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0))

  const secret = randomBytes(24).toString('base64url')
  const door = `http://127.0.0.1:${ports.proxy}`
  const provider = await createDemoProvider({
    issuer: `http://127.0.0.1:${ports.provider}`,
    clientId: 'demo',
    clientSecret: secret,
    redirectUri: `${door}/.oathkeeper/callback`,
    postLogoutRedirectUri: `${door}/.oathkeeper/signed-out`,
  })
  await listen(provider, ports.provider)
  await listen(createApplication(), ports.application)

  const env: NodeJS.ProcessEnv = { DEMO_SECRET: secret }
  if (options.redis === true) {
    const redis = await startRedis(findProgram(REDIS_SERVER) ?? 'redis-server')
    cleanups.push(() => redis.stop())
    env['DEMO_REDIS_ADDR'] = redis.address
  }
  const oathkeeper = new Oathkeeper({
    configFiles: configFilesFor(ports),
    env,
    healthUrl: `http://127.0.0.1:${ports.api}/health/ready`,
    showLogs: options.logs === true,
    onCrash: (log) => {
      console.error(`\nOathkeeper has ended:\n${log}`)
      void stop(1)
    },
  })
  cleanups.push(() => oathkeeper.stop())
  await oathkeeper.start()
  printWelcome(door, ports)
  listenToKeys(oathkeeper)
}

/** The demo's own configuration files; copies of them when other ports were asked for. */
function configFilesFor(ports: DemoPorts): string[] {
  const names = options.redis === true ? ['oathkeeper.yaml', 'redis.yaml'] : ['oathkeeper.yaml']
  if (hasUsualPorts(ports)) return names.map((name) => join(import.meta.dirname, name))
  const folder = mkdtempSync(join(tmpdir(), 'oathkeeper-demo-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of [...names, 'rules.yaml'])
    writeFileSync(join(folder, name), replacePorts(readFileSync(join(import.meta.dirname, name), 'utf8'), ports))
  return names.map((name) => join(folder, name))
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
}

function bold(text: string): string {
  return styleText('bold', text)
}

function dim(text: string): string {
  return styleText('dim', text)
}

function link(text: string): string {
  return styleText(['cyan', 'underline'], text)
}

function printWelcome(door: string, ports: DemoPorts): void {
  const store = options.redis === true ? 'Redis' : 'memory'
  console.log(`
  ${bold('Oathkeeper is ready.')} Sessions are kept in ${bold(store)}.

  ${bold('Click here')}      ${link(`${door}/`)}   a page that everyone may see
                  ${link(`${door}/me`)}   asks you to log in, then shows who you are
                  ${link(`${door}/reports?month=2026-10&sort=amount`)}   a deep link

  ${dim(`Decision API    http://127.0.0.1:${ports.api}/decisions   health: /health/ready   rules: /rules`)}
  ${dim(`Provider        http://127.0.0.1:${ports.provider}`)}
  ${dim(`Application     http://127.0.0.1:${ports.application}   behind the door; without a login of its own`)}
  ${dim(`Configuration   examples/demo/oathkeeper.yaml, examples/demo/rules.yaml${options.redis === true ? ', examples/demo/redis.yaml' : ''}`)}

  Keys: ${bold('r')} restart Oathkeeper alone${options.redis === true ? ' (you stay logged in)' : ' (sessions in memory end; try --redis)'}   ${bold('q')} or ${bold('Ctrl-C')} quit
`)
}

/** Single keys in a terminal; lines when something else writes to standard input. */
function listenToKeys(oathkeeper: Oathkeeper): void {
  let isRestarting = false
  const restart = async (): Promise<void> => {
    if (isRestarting) return
    isRestarting = true
    console.log('  Stopping Oathkeeper …')
    await oathkeeper.stop()
    console.log('  Starting it again …')
    await oathkeeper.start()
    console.log(
      options.redis === true
        ? '  Ready. Reload the page: you are still logged in.'
        : '  Ready. Reload a protected page: the sessions in memory are gone.',
    )
    isRestarting = false
  }
  if (process.stdin.isTTY) process.stdin.setRawMode(true)
  process.stdin.on('data', (chunk: Buffer) => {
    for (const key of chunk.toString()) {
      if (key === 'r') restart().catch((error: unknown) => void fail(error))
      if (key === 'q' || key === '\u0003') void stop(0)
    }
  })
}

async function fail(error: unknown): Promise<void> {
  console.error(error instanceof Error ? error.message : error)
  await stop(1)
}

async function stop(exitCode: number): Promise<void> {
  if (isStopping) return
  isStopping = true
  if (process.stdin.isTTY) process.stdin.setRawMode(false)
  for (const cleanup of cleanups.toReversed()) await cleanup()
  process.exit(exitCode)
}
