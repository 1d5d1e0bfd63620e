import { cleanPath } from '../../lib/go-path.ts'
import { fn, type GoFunc } from '../values/func.ts'
import { STRING } from '../values/param.ts'
import { baseOfPath, directoryOfPath, extensionOfPath } from '../values/path.ts'

const base = fn([STRING], baseOfPath)
const clean = fn([STRING], cleanPath)
const dir = fn([STRING], directoryOfPath)
const ext = fn([STRING], extensionOfPath)
const isAbs = fn([STRING], (path) => path.startsWith('/'))

/** Paths with slashes; the variants with `os` are those of Go on Linux, whatever this runs on. */
export const PATHS: Readonly<Record<string, GoFunc>> = {
  base,
  clean,
  dir,
  ext,
  isAbs,
  osBase: base,
  osClean: clean,
  osDir: dir,
  osExt: ext,
  osIsAbs: isAbs,
}
