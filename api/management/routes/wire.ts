import { z } from "zod";

import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { queryInt, text } from "#platform/http/schema.ts";

import type { ValueSchema } from "../domain/value-schema.ts";

const name = (what: string) =>
  z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, {
    error: `give the name of ${what}: small letters, digits and -, at most 63, a letter first`,
  });

export const ApplicationName = name("an application").meta({ example: "shop" });
const ProductName = name("a product").meta({ example: "web" });
const EnvironmentName = name("an environment").meta({ example: "production" });
export const SecretName = name("a secret").meta({ example: "database-password" });
export const Key = z
  .string()
  .regex(/^[a-z][a-zA-Z0-9_.-]{0,99}$/, {
    error: "give a key: letters, digits and _.-, at most 100, a small letter first",
  })
  .meta({ example: "checkout.timeout" });
export const ScopeKey = z
  .string()
  .regex(/^(?:\*|[a-z][a-z0-9-]{0,62})\/(?:\*|[a-z][a-z0-9-]{0,62})$/, {
    error: "give PRODUCT/ENVIRONMENT, with * for all, for example web/production or */*",
  });
export const AccountId = z.string().regex(/^[\w.:@-]{1,64}$/, {
  error: "give the id of an account: at most 64 letters, digits and _.:@-",
});

/** The reason for the change, stored with the revision. */
export const Reason = text({ max: 500 }).refine((it) => it.trim() !== "", {
  error: "give the reason for the change",
});
export const Description = z.string().max(1_000);
export const Place = { product: ProductName.optional(), environment: EnvironmentName.optional() };
export const Version = z.int().min(1);
export const InApplication = z.strictObject({ application: ApplicationName });
export const OfKey = z.strictObject({ application: ApplicationName, key: Key });
export const revisionNumber = queryInt({ min: 1, max: 2_147_483_647 });

const count = z.int().min(0).max(10_000).optional();
const number = z.number().optional();
const ms = z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional();
const PropertyName = z.string().regex(/^[a-zA-Z][\w-]{0,62}$/, {
  error: "give a name of letters, digits and _-, at most 63, a letter first",
});

const simple = [
  z.strictObject({ type: z.literal("string"), minLength: count, maxLength: count }),
  z.strictObject({ type: z.enum(["number", "integer"]), minimum: number, maximum: number }),
  z.strictObject({ type: z.literal("boolean") }),
  z.strictObject({
    type: z.literal("enum"),
    values: z
      .array(text({ max: 200 }))
      .min(1)
      .max(100),
  }),
  z.strictObject({ type: z.literal("duration"), minimumMs: ms, maximumMs: ms }),
  z.strictObject({
    type: z.literal("url"),
    protocols: z
      .array(z.string().regex(/^[a-z][a-z0-9+.-]{0,30}$/, { error: "give a protocol, as https" }))
      .min(1)
      .max(10)
      .optional(),
  }),
  z.strictObject({ type: z.literal("secret") }),
] as const;

const Simple = z.discriminatedUnion("type", simple).meta({ id: "SimpleValueSchema" });
/** Lists and objects nest at most two levels deep. */
const Nested = nesting(Simple, "NestedObjectSchema").meta({ id: "NestedValueSchema" });
const ValueSchemaOnWire = nesting(Nested, "ObjectSchema").meta({ id: "ValueSchema" });

/** The object schema has its own id because client generators fail on anonymous object schemas. */
function nesting(inner: z.ZodType<ValueSchema>, objectName: string) {
  return z.discriminatedUnion("type", [
    ...simple,
    z.strictObject({ type: z.literal("list"), items: inner, minItems: count, maxItems: count }),
    z
      .strictObject({
        type: z.literal("object"),
        properties: z.record(PropertyName, inner).refine((it) => Object.keys(it).length <= 50, {
          error: "give at most 50 properties",
        }),
        required: z.array(PropertyName).max(50).optional(),
      })
      .meta({ id: objectName }),
  ]);
}

/** A value on the wire; its type follows from the definition. */
export const ValueOnWire = z
  .unknown()
  .describe(
    "Typed by the definition: a duration is text such as 30s, a secret a reference such as secret://database-password.",
  );

export const DefinitionOnWire = z
  .strictObject({
    description: Description,
    schema: ValueSchemaOnWire,
    default: ValueOnWire.optional(),
    deprecated: text({ max: 500 }).optional(),
  })
  .meta({ id: "Definition" });

export const FlagOnWire = z
  .strictObject({
    description: Description,
    on: z.boolean(),
    deny: z.array(AccountId).max(1_000),
    allow: z.array(AccountId).max(1_000),
    rules: z.array(z.strictObject({ ...Place, percentage: z.number().min(0).max(100) })).max(100),
  })
  .meta({ id: "Flag" });

export const ChangeOnWire = z
  .strictObject({
    kind: z.enum(["application", "definition", "value", "flag"]),
    key: z.string(),
    scope: z.strictObject(Place),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
  })
  .meta({ id: "Change" });

/** A page of an application's items in the order of their keys; `item` builds the response of one. */
export function pageOfKeys<Item>(
  things: Readonly<Record<string, unknown>>,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
  item: (key: string) => Item,
): { items: Item[]; next: string | null } {
  const [after] = decodeCursor(z.tuple([Key]), cursor) ?? [""];
  const keys = Object.keys(things)
    .filter((key) => key > after)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .slice(0, limit + 1);
  return cutPage(keys, limit, { item, cursor: (key) => [key] });
}
