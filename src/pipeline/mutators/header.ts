import { z } from 'zod'
import type { Exchange } from '../../kernel/exchange.ts'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import { canonicalHeaderName } from '../../lib/go-header.ts'
import { defineMutator } from '../define.ts'
import type { TemplateCompiler } from '../deps.ts'
import { compileTemplate } from '../render.ts'
import { setHeaderText } from '../set-header.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Frame the message or steer the connection: a value for one of them could only break the request it is set on. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const schema = z.strictObject({
  headers: z.record(z.string(), z.string()).describe('Header names and the templates of their values.'),
})

interface Deps {
  readonly templates: TemplateCompiler
}

interface Compiled {
  readonly name: string
  readonly render: (exchange: Exchange) => string
}

/** Sets headers from templates, empty values too, so that what a client sent under these names never arrives. */
export const header = defineMutator({
  type: 'header',
  schema,
  compile: ({ headers }, { templates }: Deps) => {
    const compiled = Object.entries(headers).map(([name, source]): Compiled => {
      const path = ['headers', name]
      if (!TOKEN.test(name)) throw new HandlerConfigError(path, `"${name}" is not the name of a header`)
      if (FRAMING.has(name.toLowerCase())) {
        throw new HandlerConfigError(path, `"${name}" belongs to the connection and cannot be set by a mutator`)
      }
      return { name: canonicalHeaderName(name), render: compileTemplate(templates, source, path) }
    })
    return {
      ownedHeaders: compiled.map(({ name }) => name),
      run: (exchange) => {
        // None of them sees what another one sets: their order says nothing.
        const values = compiled.map(({ render }) => render(exchange))
        for (let i = 0; i < values.length; i++) {
          setHeaderText(exchange, (compiled[i] as Compiled).name, values[i] as string)
        }
      },
    }
  },
})
