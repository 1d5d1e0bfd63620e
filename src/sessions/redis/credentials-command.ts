import type { Clock } from '../../kernel/clock.ts'
import { CommandError, runCommand } from '../../lib/run-command.ts'
import { type PrintedCredentials, readCredentials } from './credentials-output.ts'

/** A program that prints who we are to Redis, for a while. */
export interface CredentialsCommandOptions {
  /** The program and its arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]]
  /** Who we are where the program prints the password alone. */
  readonly username: string | undefined
  /** How long credentials are used that do not say when they end. */
  readonly refreshMs: number
  readonly timeoutMs: number
}

/** Why there are no credentials: a sentence for the operator, without anything that was printed. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError'
}

const MAX_OUTPUT_BYTES = 65_536
/** Runs the program once. @throws {CredentialsError} */
export async function runCredentialsCommand(
  { argv, username, timeoutMs }: CredentialsCommandOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<PrintedCredentials> {
  let output: string
  try {
    output = await runCommand(argv, { timeoutMs, maxBytes: MAX_OUTPUT_BYTES, env: process.env, signal })
  } catch (cause) {
    throw problem(cause instanceof CommandError ? cause.message : 'could not be run')
  }
  const printed = readCredentials(output, username, clock.now())
  if (printed === undefined) {
    throw problem('prints nothing that can be used: JSON with "password", or user and password, is expected')
  }
  if (printed.expiresAt !== undefined && printed.expiresAt <= clock.now()) {
    throw problem('prints credentials that have ended already: check the clock')
  }
  return printed
}

/** The key is named, and not the program: an argument may be a secret. */
function problem(what: string): CredentialsError {
  return new CredentialsError(`session_store.redis.credentials_command ${what}`)
}
