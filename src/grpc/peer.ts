/** Who is on the other end of a connection; worked out once for all its calls. */
export interface Peer {
  /** Without port and zone; IPv4-mapped IPv6 as IPv4. */
  readonly address: string
  readonly port: number
  /** Whether it is one of those that the configuration trusts. */
  readonly trusted: boolean
}
