import { loadConfig, type LoadedConfig, type LoadOptions } from '../config/load.ts'
import { BUILTIN_HANDLERS } from '../pipeline/builtin.ts'

/** How the configuration of a process is loaded, now and at each change. */
export function loadOptions(files: readonly string[], env: NodeJS.ProcessEnv): LoadOptions {
  return { files, env, handlers: BUILTIN_HANDLERS }
}

/** @throws {ProblemsError} with everything that is wrong, at once. */
export function load(files: readonly string[], env: NodeJS.ProcessEnv): LoadedConfig {
  return loadConfig(loadOptions(files, env))
}
