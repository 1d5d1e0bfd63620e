import { connect } from 'node:net'

/** The fixed ports of the demo, and the variable that changes each. */
const PORTS = {
  proxy: { variable: 'DEMO_PORT', port: 4455 },
  api: { variable: 'DEMO_API_PORT', port: 4456 },
  provider: { variable: 'DEMO_PROVIDER_PORT', port: 9090 },
  application: { variable: 'DEMO_APPLICATION_PORT', port: 8080 },
} as const

export type DemoPorts = Readonly<Record<keyof typeof PORTS, number>>

/**
 * The ports to use, all of them free.
 * @throws {Error} that names the port that is taken, and how to choose another.
 */
export async function readPorts(env: NodeJS.ProcessEnv): Promise<DemoPorts> {
  const entries = await Promise.all(
    Object.entries(PORTS).map(async ([name, { variable, port: usual }]) => {
      const port = Number(env[variable] ?? usual)
      if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${variable} is not a port`)
      if (await connectTo(port))
        throw new Error(
          `Port ${port} is taken: something listens there already.\n` +
            `Stop it, or choose another port: ${variable}=${port + 10_000} npm run demo`,
        )
      return [name, port] as const
    }),
  )
  return Object.fromEntries(entries) as DemoPorts
}

/** Writes the demo's own ports in a text over the fixed ones. */
export function replacePorts(text: string, ports: DemoPorts): string {
  const chosen = new Map<number, number>(
    Object.entries(PORTS).map(([name, { port }]) => [port, ports[name as keyof DemoPorts]]),
  )
  return text.replace(/\b(4455|4456|8080|9090)\b/g, (port) => String(chosen.get(Number(port)) ?? port))
}

export function hasUsualPorts(ports: DemoPorts): boolean {
  return Object.entries(PORTS).every(([name, { port }]) => ports[name as keyof DemoPorts] === port)
}

/** Whether something on this machine listens on the port. */
export function connectTo(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.on('error', () => done(false))
  })
}
