import { fn, type GoFunc } from '../values/func.ts'
import { STRING } from '../values/param.ts'

/** What templates may reach outside themselves. Nothing, unless it is given. */
export interface TemplateEnvironment {
  /** For `env` and `expandenv`: empty when there is no such variable; throws when templates may not read it. */
  readonly readVariable?: (name: string) => string
  /** For `getHostByName`: an address of a host. Names are looked up in a request, so it must know them already. */
  readonly resolveHost?: (name: string) => string
}

/**
 * Functions that reach the environment. They are known to the parser, so that a template with one of them loads.
 * Differs from Oathkeeper: they fail unless allowed, because whoever writes a rule could read every secret of the process.
 */
export function environmentFunctions({
  readVariable,
  resolveHost,
}: TemplateEnvironment): Readonly<Record<string, GoFunc>> {
  const valueOf = (name: string, asker: string): string => {
    if (readVariable === undefined) throw new Error(`${asker} is not allowed: templates may not read the environment`)
    return readVariable(name)
  }
  return {
    env: fn([STRING], (name) => valueOf(name, 'env')),
    expandenv: fn([STRING], (text) => expand(text, (name) => valueOf(name, 'expandenv'))),
    getHostByName: fn([STRING], (name) => {
      if (resolveHost === undefined) throw new Error('getHostByName is not allowed: templates may not look up names')
      return resolveHost(name)
    }),
  }
}

/** `os.Expand`: `$name`, `${name}` and the shell's special parameters. */
function expand(text: string, valueOf: (name: string) => string): string {
  if (!text.includes('$')) return text
  return text.replace(/\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*|[*#$@!?0-9-])|\{)/g, (all, braced, bare) => {
    // Malformed: the dollar and the brace are eaten.
    if (all === '${' || braced === '') return ''
    return valueOf(braced ?? bare)
  })
}
