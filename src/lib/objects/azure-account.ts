import { ObjectError } from './client.ts'

/** Who asks: the first of these that the environment has. */
export type AzureAccount =
  | { readonly kind: 'key'; readonly name: string; readonly key: string }
  | { readonly kind: 'signature'; readonly name: string; readonly signature: string }
  | { readonly kind: 'connection string'; readonly connectionString: string }
  /** What `DefaultAzureCredential` finds. */
  | { readonly kind: 'identity'; readonly name: string }

/** Reads the variables that Oathkeeper reads (gocloud.dev/blob/azureblob), in its order. */
export function azureAccount(env: NodeJS.ProcessEnv): AzureAccount {
  const name = env['AZURE_STORAGE_ACCOUNT'] ?? ''
  const key = env['AZURE_STORAGE_KEY'] ?? ''
  const signature = (env['AZURE_STORAGE_SAS_TOKEN'] ?? '').replace(/^\?/, '')
  const connectionString =
    firstOf(env['AZURE_STORAGE_CONNECTION_STRING'], env['AZURE_STORAGEBLOB_CONNECTIONSTRING']) ?? ''
  if (name !== '' && key !== '') return { kind: 'key', name, key }
  if (signature !== '') return { kind: 'signature', name, signature }
  if (connectionString !== '') return { kind: 'connection string', connectionString }
  return { kind: 'identity', name }
}

/** Where the account is. @throws {ObjectError} */
export function azureServiceUrl(name: string, env: NodeJS.ProcessEnv): string {
  const domain = firstOf(env['AZURE_STORAGE_DOMAIN']) ?? 'blob.core.windows.net'
  const protocol = firstOf(env['AZURE_STORAGE_PROTOCOL']) ?? 'https'
  if (protocol !== 'https' && protocol !== 'http') throw new ObjectError('AZURE_STORAGE_PROTOCOL must be https or http')
  if (isTrue(env['AZURE_STORAGE_IS_CDN'])) return checked(`${protocol}://${domain}`)
  if (name === '') {
    throw new ObjectError('azblob:// needs an account: set AZURE_STORAGE_ACCOUNT or AZURE_STORAGE_CONNECTION_STRING')
  }
  const isEmulator = isTrue(env['AZURE_STORAGE_IS_LOCAL_EMULATOR']) || /^(?:localhost|127\.0\.0\.1)(?::|$)/.test(domain)
  return checked(isEmulator ? `${protocol}://${domain}/${name}` : `${protocol}://${name}.${domain}`)
}

function checked(url: string): string {
  if (!URL.canParse(url)) {
    throw new ObjectError('AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_DOMAIN do not make the name of a host')
  }
  return url
}

function firstOf(...values: (string | undefined)[]): string | undefined {
  return values.find((value) => value !== undefined && value !== '')
}

/** As Go reads it. */
function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(?:1|t|T|true|TRUE|True)$/.test(value)
}
