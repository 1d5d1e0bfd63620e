import { z } from 'zod'
import { HandlerConfigError } from '../../kernel/handlers.ts'
import { readCookies, writeCookie } from '../../lib/go-cookie.ts'
import { defineMutator } from '../define.ts'
import type { SessionReader, TemplateCompiler } from '../deps.ts'
import { compileTemplate } from '../render.ts'
import { checkSize, setHeader } from '../set-header.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const schema = z.strictObject({
  cookies: z.record(z.string(), z.string()).describe('Cookie names and the templates of their values.'),
})

interface Deps {
  readonly templates: TemplateCompiler
  readonly sessions: SessionReader | undefined
}

/** Sets cookies from templates beside those of the request, which lose to a rule's cookie of the same name. */
export const cookie = defineMutator({
  type: 'cookie',
  schema,
  compile: ({ cookies }, { templates, sessions }: Deps) => {
    const names = new Set(Object.keys(cookies))
    const compiled = Object.entries(cookies).map(([name, source]) => {
      const path = ['cookies', name]
      if (!TOKEN.test(name)) throw new HandlerConfigError(path, `"${name}" is not the name of a cookie`)
      return { name, render: compileTemplate(templates, source, path) }
    })
    return {
      ownedHeaders: [],
      run: (exchange) => {
        const lines = exchange.request.headers.getAll('cookie')
        const kept = sessions === undefined ? lines : lines.map((line) => sessions.withoutOwnCookies(line) ?? '')
        const set = compiled.map(({ name, render }) => ({ name, value: render(exchange), isQuoted: false }))
        for (const { name, value } of set) checkSize(exchange, name, value)
        const brought = readCookies(kept).filter(({ name }) => !names.has(name))
        setHeader(exchange, 'Cookie', [...set, ...brought].map(writeCookie).join('; '))
      },
    }
  },
})
