// Loaded into a process that is measured (`--import`): tells, when it is asked on BENCH_PROBE_PORT, what is left after a collection.
import { createServer } from 'node:http'

export interface Probe {
  readonly heapBytes: number
  readonly rssBytes: number
  readonly sockets: number
}

createServer((_, response) => {
  for (let i = 0; i < 2; i++) globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  response.end(JSON.stringify({ heapBytes: heapUsed, rssBytes: rss, sockets } satisfies Probe))
})
  .listen(Number(process.env['BENCH_PROBE_PORT']), '127.0.0.1')
  .unref()
