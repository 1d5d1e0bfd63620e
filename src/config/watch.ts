import { type Clock, systemClock } from '../kernel/clock.ts'
import type { Problem } from '../kernel/problem.ts'
import { type FileWatch, watchFile } from '../lib/file-watch.ts'
import { type LoadedConfig, type LoadOptions, tryLoadConfig } from './load.ts'

export interface ConfigWatchOptions {
  /** How the configuration was loaded, and is loaded again. */
  readonly load: LoadOptions
  /** What is in force: a change since then is told at once. */
  readonly loaded: LoadedConfig
  readonly onChange: (loaded: LoadedConfig) => void
  /** The new content does not load; what was in force stays. */
  readonly onProblems: (problems: readonly Problem[]) => void
  readonly pollMs?: number
  readonly settleMs?: number
  readonly clock?: Clock
}

export interface ConfigWatch {
  /** Loads again now, whether or not a file changed. */
  reload(): void
  close(): void
}

const POLL_MS = 10_000
/** Several files of one change, such as a Kubernetes volume, are one load. */
const SETTLE_MS = 50

/**
 * Watches the configuration files, and those that secrets come from, and loads them again when one changes. The files of
 * the last attempt are watched, so that a mistake in a new file is seen to be mended.
 */
export function watchConfig(options: ConfigWatchOptions): ConfigWatch {
  const { load, onChange, onProblems, pollMs = POLL_MS, settleMs = SETTLE_MS, clock = systemClock } = options
  const watches = new Map<string, FileWatch>()
  let inForce = options.loaded.files
  let cancel: (() => void) | undefined

  watchFiles(options.loaded.files)
  return {
    reload,
    close() {
      cancel?.()
      for (const watch of watches.values()) watch.close()
      watches.clear()
    },
  }

  function reload(): void {
    cancel?.()
    cancel = undefined
    const result = tryLoadConfig(load)
    watchFiles(result.files)
    const emptied = emptiedFiles(inForce, result.files)
    if (emptied.length > 0 || 'problems' in result) {
      onProblems('problems' in result ? result.problems : emptied)
      return
    }
    inForce = result.files
    for (const [file, watch] of watches) {
      if (result.files.has(file)) continue
      watch.close()
      watches.delete(file)
    }
    onChange(result)
  }

  function watchFiles(files: LoadedConfig['files']): void {
    for (const [file, content] of files) {
      if (watches.has(file)) continue
      watches.set(file, watchFile(file, changed, { known: content, pollMs, settleMs, clock }))
    }
  }

  function changed(): void {
    cancel?.()
    cancel = clock.schedule(settleMs, reload)
  }
}

/** A file is empty for a moment while it is written anew, and for good when the disk is full: nobody means that. */
function emptiedFiles(before: LoadedConfig['files'], now: LoadedConfig['files']): Problem[] {
  return [...now].flatMap(([file, content]) =>
    content?.length === 0 && (before.get(file)?.length ?? 0) > 0
      ? [{ source: file, path: '', message: 'is empty, which is not taken for a change; {} resets every key' }]
      : [],
  )
}
