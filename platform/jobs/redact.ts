import { z } from "zod";

export const REDACTED = "[redacted]";

type Node = z.infer<typeof Node>;
const Node = z
  .object({
    secret: z.boolean().default(false),
    properties: z.record(z.string(), z.unknown()).default({}),
    additionalProperties: z.unknown().optional(),
    items: z.unknown().optional(),
    anyOf: z.array(z.unknown()).default([]),
    allOf: z.array(z.unknown()).default([]),
  })
  .loose();

/**
 * A value to show to people: fields with `.meta({ secret: true })` are replaced, and so are fields that are not in the
 * schema, because they may be secrets of another release.
 */
export const redact = (schema: z.ZodType, value: unknown): unknown =>
  redactNode(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }), value);

function redactNode(schema: unknown, value: unknown): unknown {
  const parsed = Node.safeParse(schema);
  if (!parsed.success || parsed.data.secret) return REDACTED;
  const node = parsed.data;
  const parts = [...node.anyOf, ...node.allOf];
  // A field is hidden if any alternative hides it, even if another alternative matches the value.
  if (parts.length > 0) return parts.reduce((shown, part) => redactNode(part, shown), value);
  if (Array.isArray(value)) return value.map((item) => redactNode(node.items, item));
  if (typeof value === "object" && value !== null) return redactFields(node, value);
  return value;
}

const redactFields = ({ properties, additionalProperties }: Node, value: object) =>
  Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      redactNode(properties[name] ?? additionalProperties, field),
    ]),
  );
