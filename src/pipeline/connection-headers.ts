/**
 * Headers that frame a message or belong to one connection. On another message they mean nothing, or harm: they are
 * neither copied to a service that a handler asks nor taken from its answer.
 */
export const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
