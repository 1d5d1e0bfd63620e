import { z } from 'zod'
import { createConfigSchema } from './schema/config.ts'
import { configSchemaOf, type HandlerSchema } from './schema/handlers.ts'

/** A node of the JSON Schema (draft-07): what the loader, the reference and an editor know of a key. */
export interface SchemaNode {
  readonly $schema?: string
  readonly title?: string
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  /** The value is a secret. */
  readonly writeOnly?: boolean
  readonly properties?: Record<string, SchemaNode>
  readonly additionalProperties?: boolean | SchemaNode
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly required?: readonly string[]
}

/** `<key>_file` beside each secret: the file whose content is the secret. */
export const SECRET_FILE_SUFFIX = '_file'

/** The published JSON Schema of the configuration, generated from what validates it. */
export function configJsonSchema(handlers: readonly HandlerSchema[]): SchemaNode {
  const tree = withSecretFiles(toJsonSchema(createConfigSchema(handlers)) as SchemaNode)
  return { $schema: 'http://json-schema.org/draft-07/schema#', title: 'Oathkeeper configuration', ...tree }
}

function toJsonSchema(schema: z.ZodType): z.core.JSONSchema.JSONSchema {
  const { $schema: _, ...converted } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // The bounds of JavaScript's integers are no bounds of ours.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      const config = configSchemaOf(zodSchema)
      if (config !== undefined && jsonSchema.properties !== undefined)
        jsonSchema.properties['config'] = toJsonSchema(config)
    },
  })
  return converted as z.core.JSONSchema.JSONSchema
}

function withSecretFiles(node: SchemaNode): SchemaNode {
  const properties: Record<string, SchemaNode> = {}
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    properties[key] = withSecretFiles(child)
    if (child.writeOnly !== true) continue
    properties[key + SECRET_FILE_SUFFIX] = {
      type: 'string',
      format: 'path',
      description: `File that holds \`${key}\`.`,
    }
  }
  return {
    ...node,
    ...(node.properties !== undefined && { properties }),
    ...(node.items !== undefined && { items: withSecretFiles(node.items) }),
  }
}

/** The node that describes a path; `undefined` where the schema has no word for it. */
export function nodeAt(root: SchemaNode, path: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = root
  for (const step of path) node = childNode(node, typeof step === 'number' ? step : String(step))
  return node
}

/** The node of a key of an object, or of an item of a list. */
export function childNode(node: SchemaNode | undefined, step: string | number): SchemaNode | undefined {
  if (node === undefined) return undefined
  if (typeof step === 'number') return node.items ?? node.anyOf?.find((option) => option.items !== undefined)?.items
  if (node.properties !== undefined && Object.hasOwn(node.properties, step)) return node.properties[step]
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined
}
