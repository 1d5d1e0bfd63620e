import { schemeOf } from '../../lib/file-location.ts'
import { fileSource } from './file.ts'
import { httpSource } from './http.ts'
import { inlineSource } from './inline.ts'
import { objectSource } from './object.ts'
import type { RuleSource, SourceContext, SourceFactory } from './source.ts'

/** Every kind of source. A new one is one file and one line here. */
const FACTORIES: Readonly<Record<string, SourceFactory>> = {
  '': fileSource,
  file: fileSource,
  inline: inlineSource,
  http: httpSource,
  https: httpSource,
  s3: objectSource,
  gs: objectSource,
  azblob: objectSource,
}

/** @throws {Error} with a sentence that says which kinds there are. */
export function createSource(location: string, context: SourceContext): RuleSource {
  const scheme = schemeOf(location)
  const factory = Object.hasOwn(FACTORIES, scheme) ? FACTORIES[scheme] : undefined
  if (factory !== undefined) return factory(location, context)
  const known = Object.keys(FACTORIES).filter((name) => name !== '')
  throw new Error(
    `rules cannot be read by "${scheme}://"; supported are ${known.map((name) => `${name}://`).join(', ')}`,
  )
}
