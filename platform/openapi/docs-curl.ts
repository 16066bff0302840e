import { z } from "zod";

import type { JsonSchema, OpenApi, Operation } from "./openapi.ts";

type Components = Readonly<Record<string, JsonSchema>>;

/** A request as a shell command: path parameters and the token are variables, required input has valid values. */
export function curlOf(
  { path, method, operation }: { path: string; method: string; operation: Operation },
  document: OpenApi,
): string {
  const { schemas } = document.components;
  const url = `${document.servers[0]?.url ?? ""}${path.replaceAll(/\{(\w+)\}/g, variableOf)}`;
  const lines = [`curl -X ${method.toUpperCase()} "${url}${queryOf(operation, schemas)}"`];
  const [scheme] = Object.values(document.components.securitySchemes);
  if (operation.security.length > 0) {
    const cookie = scheme?.["in"] === "cookie" ? String(scheme["name"]) : undefined;
    lines.push(
      cookie === undefined ? '-H "authorization: Bearer $TOKEN"' : `-b "${cookie}=$TOKEN"`,
    );
  }
  for (const { name, in: where } of operation.parameters) {
    if (where !== "header") continue;
    lines.push(
      name === "If-Match" ? `-H 'if-match: "1"'` : '-H "idempotency-key: $(date +%s)-$RANDOM"',
    );
  }
  return [...lines, ...bodyOf(operation, schemas)].join(" \\\n  ");
}

function bodyOf({ requestBody }: Operation, schemas: Components): string[] {
  const [media, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (media === undefined || content === undefined) return [];
  const type = `-H 'content-type: ${media}'`;
  if (media !== "application/json") return [type, "--data-binary @FILE"];
  const body = JSON.stringify(exampleOf(content.schema, schemas));
  return [type, `-d '${body.replaceAll("'", String.raw`'\''`)}'`];
}

/** `{customerId}` as `$CUSTOMER_ID`. */
const variableOf = (_: string, name: string): string =>
  `$${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

function queryOf({ parameters }: Operation, schemas: Components): string {
  const required = parameters.filter((it) => it.in === "query" && it.required);
  if (required.length === 0) return "";
  const pairs = required.map(({ name, schema }) => [name, String(exampleOf(schema, schemas))]);
  return `?${new URLSearchParams(pairs)}`;
}

const Schemas = z.record(z.string(), z.record(z.string(), z.unknown()));
const Node = z
  .object({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    format: z.string().optional(),
    properties: Schemas.default({}),
    required: z.array(z.string()).default([]),
    items: z.record(z.string(), z.unknown()).default({}),
    anyOf: z.array(z.record(z.string(), z.unknown())).optional(),
    oneOf: z.array(z.record(z.string(), z.unknown())).optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    minItems: z.number().default(0),
    minLength: z.number().default(0),
    minimum: z.number().default(1),
    default: z.unknown().optional(),
    examples: z.array(z.unknown()).optional(),
  })
  .loose();
type Node = z.infer<typeof Node>;

/** A value of a schema: its example or another valid value; objects with their required fields. */
function exampleOf(schema: JsonSchema, components: Components): unknown {
  const node = Node.parse(schema);
  const target =
    node.$ref === undefined ? undefined : components[node.$ref.split("/").at(-1) ?? ""];
  if (target !== undefined) return exampleOf(target, components);
  const given = [node.const, node.examples?.[0], node.default, node.enum?.[0]];
  const known = given.find((it) => it !== undefined);
  if (known !== undefined) return known;
  const choice = (node.anyOf ?? node.oneOf)?.find((it) => it["type"] !== "null");
  return choice === undefined ? madeOf(node, components) : exampleOf(choice, components);
}

const FORMATS: Readonly<Record<string, string>> = {
  "date-time": "2026-11-24T12:00:00Z",
  date: "2026-11-24",
  email: "ada@example.com",
  uri: "https://example.com/",
};

function madeOf(node: Node, components: Components): unknown {
  const [type = "object"] = [node.type ?? "object"].flat();
  switch (type) {
    case "string":
      return FORMATS[node.format ?? ""] ?? "text".padEnd(node.minLength, ".");
    case "integer":
    case "number":
      return Math.max(node.minimum, 1);
    case "boolean":
      return true;
    case "array":
      return node.minItems === 0 ? [] : [exampleOf(node.items, components)];
    default:
      return objectOf(node, components);
  }
}

/** The required fields of an object; the first field if none is required, because an empty object explains nothing. */
function objectOf({ properties, required }: Node, components: Components): unknown {
  const names = required.length > 0 ? required : Object.keys(properties).slice(0, 1);
  return Object.fromEntries(
    names.map((name) => [name, exampleOf(properties[name] ?? {}, components)]),
  );
}
