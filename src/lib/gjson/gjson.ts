import { createCompiler } from './compile.ts'
import { MODIFIERS } from './modifiers.ts'
import { search, searchLines } from './search.ts'
import { exists } from './value.ts'

/**
 * Finds a value in a JSON document and gives its text; nothing when it is not there. The document is not validated:
 * what is no JSON gives whatever can be found in it.
 */
export type GjsonPath = (document: Uint8Array) => string | undefined

/**
 * Compiles a path in the syntax of gjson: keys and indexes joined by dots, escapes, wildcards, `#`, `#(query)#`, pipes,
 * multipaths, literals and modifiers. Every text is a path; one that means nothing finds nothing.
 * @see [GJSON path syntax](https://github.com/tidwall/gjson/blob/master/SYNTAX.md)
 */
export function compileGjson(path: string): GjsonPath {
  const lookup = createCompiler({ modifiers: MODIFIERS, search, searchLines })(path)
  return (document) => {
    const { buffer, byteOffset, byteLength } = document
    const found = lookup(Buffer.from(buffer, byteOffset, byteLength).toString('latin1'))
    return exists(found) ? Buffer.from(found.raw, 'latin1').toString('utf8') : undefined
  }
}
