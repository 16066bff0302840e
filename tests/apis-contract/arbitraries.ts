import * as fc from "fast-check";
import { z } from "zod";

import type { JsonSchema } from "#platform/openapi/openapi.ts";

/** A placeholder for an id that the service has issued; replaced when the request is sent. */
type FromPool = { fromPool: string; turn: number };

const Node = z
  .object({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    format: z.string().optional(),
    pattern: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    anyOf: z.array(z.record(z.string(), z.unknown())).optional(),
    oneOf: z.array(z.record(z.string(), z.unknown())).optional(),
    allOf: z.array(z.record(z.string(), z.unknown())).optional(),
    properties: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    required: z.array(z.string()).default([]),
    additionalProperties: z.unknown().optional(),
    propertyNames: z.record(z.string(), z.unknown()).optional(),
    items: z.record(z.string(), z.unknown()).optional(),
    prefixItems: z.array(z.record(z.string(), z.unknown())).optional(),
    minItems: z.number().default(0),
    maxItems: z.number().default(4),
    minLength: z.number().default(0),
    maxLength: z.number().default(40),
    minimum: z.number().default(-1_000_000_000_000),
    maximum: z.number().default(1_000_000_000_000),
    examples: z.array(z.unknown()).optional(),
  })
  .loose();
type Node = z.infer<typeof Node>;

type Components = Readonly<Record<string, JsonSchema>>;
const DEPTH_MAX = 6;

/** Valid values of a schema, often its limits. */
export function valid(
  schema: JsonSchema,
  components: Components,
  depth = 0,
): fc.Arbitrary<unknown> {
  const node = Node.parse(schema);
  const target =
    node.$ref === undefined ? undefined : components[node.$ref.split("/").at(-1) ?? ""];
  if (target) return valid(target, components, depth + 1);
  if (depth > DEPTH_MAX) return fc.constant(null);
  const inner = (it: JsonSchema): fc.Arbitrary<unknown> => valid(it, components, depth + 1);
  if (node.const !== undefined) return fc.constant(node.const);
  if (node.enum) return fc.constantFrom(...node.enum);
  const choices = node.anyOf ?? node.oneOf;
  if (choices) return fc.oneof(...choices.map(inner));
  if (node.allOf)
    return fc.tuple(...node.allOf.map(inner)).map((all) => Object.assign({}, ...all) as unknown);
  const types = [node.type ?? "anything"].flat();
  return fc.oneof(...types.map((type) => ofType(type, node, inner)));
}

function ofType(
  type: string,
  node: Node,
  inner: (schema: JsonSchema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number":
      return numbers(node);
    case "string":
      return strings(node);
    case "array":
      return node.prefixItems
        ? fc.tuple(...node.prefixItems.map(inner))
        : fc.array(inner(node.items ?? {}), {
            minLength: node.minItems,
            maxLength: Math.max(node.minItems, Math.min(node.maxItems, 4)),
          });
    case "object":
      return objects(node, inner);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objects(
  node: Node,
  inner: (schema: JsonSchema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const properties = Object.entries(node.properties ?? {});
  if (properties.length === 0 && typeof node.additionalProperties === "object") {
    const value = inner(z.record(z.string(), z.unknown()).parse(node.additionalProperties ?? {}));
    const key = fc.oneof(inner(node.propertyNames ?? { type: "string", maxLength: 20 }));
    return fc
      .array(fc.tuple(key, value), { maxLength: 3 })
      .map((entries) => Object.fromEntries(entries.map(([name, it]) => [String(name), it])));
  }
  return fc.record(Object.fromEntries(properties.map(([name, it]) => [name, inner(it)])), {
    requiredKeys: node.required,
  });
}

function numbers(node: Node): fc.Arbitrary<unknown> {
  const min = Math.max(node.minimum, Number.MIN_SAFE_INTEGER);
  const max = Math.min(node.maximum, Number.MAX_SAFE_INTEGER);
  return fc.oneof(
    fc.integer({ min, max: Math.min(max, min + 1_000) }),
    fc.constantFrom(min, max, Math.min(max, Math.max(min, 1))),
  );
}

function strings(node: Node): fc.Arbitrary<unknown> {
  const prefix = /^\^(\w+)_\[0-9a-f\]\{24\}\$$/.exec(node.pattern ?? "")?.[1];
  if (prefix !== undefined) return ids(prefix);
  if (node.examples?.length) return fc.oneof(fc.constantFrom(...node.examples), plain(node));
  if (node.format === "date-time") return times();
  if (node.format === "email") return fc.nat(9_999).map((n) => `person${n}@example.com`);
  if (node.format === "uri")
    return fc.constantFrom("https://example.com/a", "http://127.0.0.1:9/b");
  if (node.pattern !== undefined) {
    return fc.oneof({ weight: 3, arbitrary: matching(node.pattern) }, plain(node));
  }
  return plain(node);
}

function matching(pattern: string): fc.Arbitrary<unknown> {
  try {
    return fc.stringMatching(new RegExp(pattern));
  } catch {
    return fc.string();
  }
}

const plain = (node: Node): fc.Arbitrary<string> => {
  const minLength = Math.min(node.minLength, 64);
  const maxLength = Math.max(minLength, Math.min(node.maxLength, 64));
  return fc.oneof(
    fc.string({ minLength, maxLength }),
    fc.string({ minLength, maxLength: Math.ceil(maxLength / 2), unit: "grapheme" }),
    fc.constant("x".repeat(Math.min(node.maxLength, 2_000))),
  );
};

const ids = (prefix: string): fc.Arbitrary<FromPool | string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.nat(50).map((turn) => ({ fromPool: prefix, turn })) },
    fc.constant(`${prefix}_${"f".repeat(24)}`),
  );

const times = (): fc.Arbitrary<string> =>
  fc
    .date({
      min: new Date("1990-01-01"),
      max: new Date("2199-01-01"),
      noInvalidDate: true,
    })
    .map((date) => date.toISOString());

/** Values that no client should send. */
const NASTY: readonly unknown[] = [
  null,
  "",
  " ",
  "a\0b",
  "\ud800",
  "\u202e\u0000",
  "😀".repeat(20),
  "x".repeat(70_000),
  "'; DROP TABLE accounts; --",
  "=1+1",
  "../../etc/passwd",
  "9999-99-99T99:99:99Z",
  "0000-01-01T00:00:00Z",
  -1,
  0,
  1.5,
  1e308,
  2 ** 53,
  -(2 ** 63),
  "1e400",
  true,
  [],
  {},
  [[[[[[[[[]]]]]]]]],
  { toString: 1, constructor: { prototype: 1 } },
];

export const nasty = (): fc.Arbitrary<unknown> => fc.constantFrom(...NASTY);

/** A value with one mistake: a hostile value, a missing field or an unknown field. */
export function broken(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(value, nasty(), fc.nat(999), fc.constantFrom("replace", "remove", "add", "all"))
    .map(([whole, bad, turn, how]) => {
      if (how === "all") return bad;
      const copy: unknown = structuredClone(whole);
      const places = placesOf(copy);
      const place = places[turn % Math.max(1, places.length)];
      if (place === undefined) return bad;
      if (how === "add") Object.defineProperty(place.parent, "unexpected", property(bad));
      else if (how === "remove") Reflect.deleteProperty(place.parent, place.key);
      else Object.defineProperty(place.parent, place.key, property(bad));
      return copy;
    });
}

const property = (value: unknown) => ({
  value,
  enumerable: true,
  configurable: true,
  writable: true,
});

function placesOf(value: unknown, found: { parent: object; key: string }[] = []) {
  if (typeof value !== "object" || value === null || "fromPool" in value) return found;
  for (const [key, child] of Object.entries(value)) {
    found.push({ parent: value, key });
    placesOf(child, found);
  }
  return found;
}

const FIELDS =
  "grant_type code redirect_uri code_verifier refresh_token client_id client_secret token scope email password csrf";

/** Forms for OAuth's endpoints. */
export const forms = (): fc.Arbitrary<string> =>
  fc
    .array(
      fc.tuple(
        fc.constantFrom(...FIELDS.split(" ")),
        fc.oneof(
          fc.constantFrom("authorization_code", "refresh_token", "client_credentials"),
          fc.constantFrom("http://127.0.0.1:1/", `svc_${"0".repeat(24)}`, "a:b"),
          nasty().map((it) => (typeof it === "string" ? it : JSON.stringify(it))),
        ),
      ),
      { maxLength: 8 },
    )
    .map((fields) => new URLSearchParams(fields).toString());
