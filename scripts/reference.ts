// Writes what follows from the schemas of the code: the tables of docs/configuration.md and schema/oathkeeper.schema.json.
//   npm run reference            writes them
//   npm run reference -- --check fails when they are not in step with the code
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { configJsonSchema, SECRET_FILE_SUFFIX, type SchemaNode } from '../src/config/json-schema.ts'
import { BUILTIN_HANDLERS } from '../src/pipeline/builtin.ts'

const ROOT = resolve(import.meta.dirname, '..')
const REFERENCE = resolve(ROOT, 'docs/configuration.md')
const SCHEMA = resolve(ROOT, 'schema/oathkeeper.schema.json')
const BEGIN = '<!-- Generated from the schemas by `npm run reference`. -->\n'
const END = '<!-- End of what is generated. -->'
const HANDLER_TABLES = new Set(['authenticators', 'authorizers', 'mutators', 'errors.handlers'])

interface Row {
  readonly key: string
  readonly type: string
  readonly fallback: string
  readonly meaning: string
}

/** Each generated file with what it should hold. */
export function generate(): ReadonlyMap<string, string> {
  const schema = configJsonSchema(BUILTIN_HANDLERS)
  const text = readFileSync(REFERENCE, 'utf8')
  const [before = ''] = text.split(BEGIN)
  const [, after = ''] = text.split(END)
  return new Map([
    [REFERENCE, `${before}${BEGIN}${tables(schema)}\n${END}${after}`],
    [SCHEMA, `${JSON.stringify(schema, null, 2)}\n`],
  ])
}

function tables(schema: SchemaNode): string {
  return Object.entries(schema.properties ?? {})
    .map(([section, node]) => {
      const rows = [...rowsOf(section, node, false)]
      const table = rows.map(
        ({ key, type, fallback, meaning }) => `| \`${key}\` | ${type} | ${fallback} | ${meaning} |`,
      )
      const head = ['| key | type | default | meaning |', '|---|---|---|---|']
      const intro = node.properties === undefined ? '' : `${node.description ?? ''}\n\n`
      return `\n### \`${section}\`\n\n${intro}${[...head, ...table].join('\n')}\n`
    })
    .join('')
}

function* rowsOf(key: string, node: SchemaNode, isRequired: boolean): Generator<Row> {
  if (HANDLER_TABLES.has(key)) {
    yield* handlerRows(key, node)
    return
  }
  const items = node.items?.properties === undefined ? undefined : node.items
  const inner = node.properties === undefined ? items : node
  if (inner === undefined || isPart(key)) {
    yield { key, type: typeOf(node), fallback: fallbackOf(node, isRequired), meaning: cell(node.description ?? '') }
    return
  }
  const path = items === undefined ? key : `${key}[]`
  if (items !== undefined && node.description !== undefined)
    yield { key, type: 'list', fallback: fallbackOf(node, isRequired), meaning: cell(node.description) }
  for (const [name, child] of Object.entries(inner.properties ?? {})) {
    if (name.endsWith(SECRET_FILE_SUFFIX) && inner.properties?.[name.slice(0, -SECRET_FILE_SUFFIX.length)]?.writeOnly)
      continue
    yield* rowsOf(`${path}.${name}`, child, inner.required?.includes(name) ?? false)
  }
}

/** `when` is the same for every error handler: told once, at `json`. */
function isPart(key: string): boolean {
  return key.endsWith('.config.when') && !key.includes('.json.')
}

function* handlerRows(key: string, node: SchemaNode): Generator<Row> {
  const kind = key === 'errors.handlers' ? 'errors' : key
  for (const [type, envelope] of Object.entries(node.properties ?? {})) {
    if (!BUILTIN_HANDLERS.some((handler) => handler.kind === kind && handler.type === type)) continue
    const { enabled, config } = envelope.properties ?? {}
    if (enabled !== undefined) yield* rowsOf(`${key}.${type}.enabled`, enabled, false)
    if (config !== undefined) yield* rowsOf(`${key}.${type}.config`, config, false)
  }
}

function typeOf(node: SchemaNode): string {
  if (node.writeOnly === true) return 'secret'
  if (node.enum !== undefined) return node.enum.map((value) => code(value)).join(', ')
  if (node.const !== undefined) return code(node.const)
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(typeOf))].join(' or ')
  if (node.pattern?.startsWith('^[0-9]+(ns') === true) return 'duration'
  if (node.format === 'path') return 'path'
  if (node.type === 'array') return `list of ${node.items === undefined ? 'values' : typeOf(node.items)}`
  if (node.type === 'object') return 'map'
  return node.type ?? 'any'
}

function fallbackOf(node: SchemaNode, isRequired: boolean): string {
  if (isRequired) return 'required'
  if (node.default === undefined || node.default === '') return '–'
  return code(node.default)
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

if (import.meta.main) {
  const isCheck = process.argv.includes('--check')
  for (const [file, content] of generate()) {
    if (!isCheck) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    } else if (readFileSync(file, 'utf8') !== content) {
      console.error(`${file} is not in step with the code: npm run reference`)
      process.exitCode = 1
    }
  }
}
