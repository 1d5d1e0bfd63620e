import { createHash } from 'node:crypto'
import { type FSWatcher, readFileSync, realpathSync, statSync, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'

export interface FileWatchOptions {
  /** How often the file is read when no event tells of a change: network drives, symlinks across folders. */
  readonly pollMs: number
  /** How long the folder must be quiet before the file is read, so that one save is one change. Default 50. */
  readonly settleMs?: number
  /**
   * What the caller has read already: a change between that reading and this call is told too. Default: what the file
   * holds now.
   */
  readonly known?: Uint8Array | undefined
  /** Runs timers; a test moves them. The kernel's `Clock` is one. */
  readonly clock?: Pick<Timers, 'schedule'>
}

interface Timers {
  /** Calls `run` once after `delayMs`, without keeping the process alive; returns what cancels it. */
  schedule(delayMs: number, run: () => void): () => void
}

export interface FileWatch {
  /** Reads the file soon, whether or not anything told of a change. */
  lookAgain(): void
  close(): void
}

/** A folder that never rests is read after so many postponements all the same. */
const MAX_POSTPONEMENTS = 20
const DEFAULT_SETTLE_MS = 50

/**
 * Calls back with the content of a file whenever it is another than before, and with `undefined` when the file is gone
 * or cannot be read. Watches the file's folder, and that of the file a symlink leads to, so that an atomic rename and the `..data` swap of a
 * Kubernetes volume are seen; the content decides, not the time stamp. Reads one at a time. `onChange` must not throw.
 */
export function watchFile(
  path: string,
  onChange: (content: Buffer | undefined) => void,
  options: FileWatchOptions,
): FileWatch {
  const { pollMs, settleMs = DEFAULT_SETTLE_MS, clock = realTimers } = options
  const file = resolve(path)
  const folders = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>()
  let seen = fingerprint('known' in options ? options.known : readNow(file))
  let seenStat = 'known' in options ? undefined : statOf(file)
  let closed = false
  let reading = false
  let mustRead = false
  let postponements = 0
  let cancelSettle: (() => void) | undefined
  let cancelPoll: (() => void) | undefined

  arm()
  poll()
  if ('known' in options) settle(true)

  return {
    lookAgain: () => settle(true),
    close() {
      closed = true
      cancelSettle?.()
      cancelPoll?.()
      for (const { watcher } of folders.values()) watcher.close()
      folders.clear()
    },
  }

  function poll(): void {
    cancelPoll = clock.schedule(pollMs, () => {
      settle(true)
      poll()
    })
  }

  /** Puts a look at the file off until the folder is quiet. */
  function settle(force: boolean): void {
    if (closed) return
    mustRead ||= force
    if (cancelSettle !== undefined) {
      if (postponements >= MAX_POSTPONEMENTS) return
      postponements++
      cancelSettle()
    }
    cancelSettle = clock.schedule(settleMs, () => {
      cancelSettle = undefined
      postponements = 0
      void look()
    })
  }

  async function look(): Promise<void> {
    if (reading) return settle(mustRead)
    arm()
    const stat = statOf(file)
    if (!mustRead && stat === seenStat) return
    mustRead = false
    reading = true
    const content = await readFile(file).catch(() => undefined)
    reading = false
    if (closed) return
    seenStat = stat
    const now = fingerprint(content)
    if (now === seen) return
    seen = now
    onChange(content)
  }

  /** Watches the folders that matter now; one that was replaced by another of the same name is watched anew. */
  function arm(): void {
    if (closed) return
    const wanted = new Set([dirname(file), dirname(realPathOf(file))])
    for (const [folder, { identity, watcher }] of folders) {
      if (wanted.has(folder) && identityOf(folder) === identity) continue
      watcher.close()
      folders.delete(folder)
    }
    for (const folder of wanted) if (!folders.has(folder)) watchFolder(folder)
  }

  function watchFolder(folder: string): void {
    const identity = identityOf(folder)
    if (identity === undefined) return
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        settle(name === null || name === basename(file))
      })
      watcher.on('error', () => {
        watcher.close()
        folders.delete(folder)
      })
      folders.set(folder, { identity, watcher })
    } catch {
      // No watches left, or a file system without them: polling remains.
    }
  }
}

const realTimers: Timers = {
  schedule(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

function fingerprint(content: Uint8Array | undefined): string | undefined {
  return content === undefined ? undefined : createHash('sha256').update(content).digest('base64')
}

function readNow(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

/** What tells that a file was written, without reading it. */
function statOf(file: string): string | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  return stat && `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`
}

function identityOf(folder: string): string | undefined {
  const stat = statSync(folder, { bigint: true, throwIfNoEntry: false })
  return stat && `${stat.dev}:${stat.ino}`
}

function realPathOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}
