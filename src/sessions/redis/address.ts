export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** As it is written in the configuration. */
export function formatRedisAddress({ host, port }: RedisAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
