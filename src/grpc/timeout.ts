const TIMEOUT = /^(\d{1,8})([HMSmun])$/
const UNITS_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}

/** Reads `grpc-timeout` as milliseconds; nothing for none, and for what is none. */
export function readTimeout(header: string | undefined): number | undefined {
  const found = TIMEOUT.exec(header ?? '')
  return found === null ? undefined : Number(found[1]) * (UNITS_MS[found[2] as string] as number)
}
