/**
 * Tells how long a row of the fault matrix took to recover: from the moment the fault was gone to the first answer as
 * before. Goes to standard output, one line each, where `npm run reliability` gathers it.
 */
export function tellRecovery(row: string, milliseconds: number, note = ''): void {
  process.stdout.write(`${row} recovery: ${Math.round(milliseconds)} ms ${note}`.trimEnd() + '\n')
}
