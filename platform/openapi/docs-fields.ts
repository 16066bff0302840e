import { z } from "zod";

import type { JsonSchema } from "./openapi.ts";

/** One row of a table of fields: path (`lines[].amount`), type in words, whether it is required. */
export type FieldRow = { name: string; type: string; required: boolean; notes: string };

const Node = z
  .object({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    format: z.string().optional(),
    properties: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    required: z.array(z.string()).default([]),
    /** False after the items of a tuple. */
    items: z.record(z.string(), z.unknown()).optional().catch(undefined),
    prefixItems: z.array(z.record(z.string(), z.unknown())).optional(),
    anyOf: z.array(z.record(z.string(), z.unknown())).optional(),
    oneOf: z.array(z.record(z.string(), z.unknown())).optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    description: z.string().optional(),
    minLength: z.number().default(0),
    maxLength: z.number().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    maxItems: z.number().optional(),
    pattern: z.string().optional(),
    default: z.unknown().optional(),
    examples: z.array(z.unknown()).optional(),
  })
  .loose();
type Node = z.infer<typeof Node>;

const DEPTH_MAX = 5;
/** Bounds of the number type itself are not shown. */
const NO_BOUND = Number.MAX_SAFE_INTEGER;

/** The fields of a schema as rows, nested fields with their path. */
export function fieldRows(
  schema: JsonSchema,
  components: Readonly<Record<string, JsonSchema>>,
): FieldRow[] {
  const rows: FieldRow[] = [];
  const walk = (given: JsonSchema, path: string, depth: number): void => {
    const node = resolve(given, components);
    const inner = node.items === undefined ? node : resolve(node.items, components);
    const prefix = node.items === undefined ? path : `${path}[]`;
    for (const [name, property] of Object.entries(inner.properties ?? {})) {
      const at = prefix === "" ? name : `${prefix}.${name}`;
      const required = inner.required.includes(name);
      const child = resolve(property, components);
      rows.push({ name: at, type: typeOf(property, components), required, notes: notesOf(child) });
      if (depth < DEPTH_MAX) walk(property, at, depth + 1);
    }
  };
  walk(schema, "", 0);
  return rows;
}

/** A schema in a few words: `text`, `integer`, `list of Line`, `one of "month", "year"`. */
export function typeOf(
  schema: JsonSchema,
  components: Readonly<Record<string, JsonSchema>>,
): string {
  const node = resolve(schema, components);
  const choices = node.anyOf ?? node.oneOf;
  if (choices) return [...new Set(choices.map((it) => typeOf(it, components)))].join(" or ");
  if (node.enum) return `one of ${node.enum.map((it) => JSON.stringify(it)).join(", ")}`;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.prefixItems) {
    return `[${node.prefixItems.map((it) => typeOf(it, components)).join(", ")}]`;
  }
  if (node.items) return `list of ${typeOf(node.items, components)}`;
  if (node.properties) return node.$ref?.split("/").at(-1) ?? "object";
  const types = [node.type ?? "anything"].flat().map((it) => WORDS[it] ?? it);
  return node.format === "date-time" ? "time" : types.join(" or ");
}

const WORDS: Record<string, string> = { string: "text", null: "null", array: "list" };

function notesOf(node: Node): string {
  const range = [
    node.minimum !== undefined && node.minimum > -NO_BOUND ? `at least ${node.minimum}` : "",
    node.maximum !== undefined && node.maximum < NO_BOUND ? `at most ${node.maximum}` : "",
    node.minLength < 2 ? "" : `at least ${node.minLength} characters`,
    node.maxLength === undefined ? "" : `at most ${node.maxLength} characters`,
    node.maxItems === undefined ? "" : `at most ${node.maxItems}`,
    node.default === undefined ? "" : `default ${JSON.stringify(node.default)}`,
    node.examples?.[0] === undefined ? "" : `such as ${JSON.stringify(node.examples[0])}`,
  ];
  return [node.description ?? "", range.filter((it) => it !== "").join(", ")]
    .filter((it) => it !== "")
    .join("; ");
}

function resolve(schema: JsonSchema, components: Readonly<Record<string, JsonSchema>>): Node {
  const node = Node.parse(schema);
  const name = node.$ref?.split("/").at(-1);
  const target = name === undefined ? undefined : components[name];
  return target === undefined ? node : { ...Node.parse(target), $ref: node.$ref };
}
