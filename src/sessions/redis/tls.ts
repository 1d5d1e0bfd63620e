import { readFile } from 'node:fs/promises'

/** How a connection is encrypted. Files are read anew for each connection, so that renewed certificates are taken up. */
export interface RedisTls {
  /** Trust anchors (PEM); `undefined`: those that come with Node. */
  readonly caFile: string | undefined
  /** Client certificate and its private key (PEM): both or none. */
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  /** Name that the certificate of the server must have; `undefined`: the host. */
  readonly serverName: string | undefined
}

/** A file of the configuration that cannot be read: a sentence for the operator. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError'
}

/** Reads what `tls.connect` is given. */
export async function loadTlsMaterial({ caFile, certFile, keyFile, serverName }: RedisTls) {
  const [ca, cert, key] = await Promise.all([
    read('ca_file', caFile),
    read('cert_file', certFile),
    read('key_file', keyFile),
  ])
  return {
    minVersion: 'TLSv1.2' as const,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}

async function read(name: string, file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason'
    throw new TlsFileError(`${name} cannot be read (${code}): ${file}`)
  }
}
