import { createServer } from 'node:net'

/**
 * Where this process begins to look: below the ports that the system gives to outgoing connections, and in a stretch of
 * its own, so that test files that run at the same time do not choose the same port.
 */
const FIRST_PORT = 10_000
const STRETCH = 50
const STRETCHES = 400

let next = FIRST_PORT + (process.pid % STRETCHES) * STRETCH

/** A port of 127.0.0.1 that nothing listens on. For a child process that has to be told its port. */
export async function findFreePort(): Promise<number> {
  let port = next++
  while (!(await isFree(port))) port = next++
  return port
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
