import { z } from "zod";

/** An id of `newId`: `inv_` and hex digits. */
export const idOf = (prefix: string): z.ZodString =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-f]{24}$`), {
      error: `give an id that begins with ${prefix}_`,
    })
    .meta({ example: `${prefix}_${"0".repeat(24)}` });

/** Free text, not trimmed. NUL and unpaired surrogates are rejected before the schema. */
export const text = (range: { min?: number; max: number }): z.ZodString =>
  z
    .string()
    .min(range.min ?? 1)
    .max(range.max);

/** An RFC 3339 time in UTC, of the years that both PostgreSQL and JavaScript can store. */
export const Timestamp = z.iso
  .datetime({ error: "give a time in UTC, for example 2026-11-24T12:00:00Z" })
  .refine((it) => /^(?:19|2\d)\d\d/.test(it), { error: "give a year from 1900 to 2999" });
/** The same as a readable pattern for the documentation. */
export const TIMESTAMP = /^(?:19|2\d)\d\d-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d+)?Z$/;

/** Converted to lower case, for comparison. */
export const Email = z
  .email({ error: "give an e-mail address" })
  .max(254)
  .toLowerCase()
  .meta({ example: "ada@example.com" });

/** An integer in a query string; `wire` is its schema in the documentation. */
export const queryInt = (range: {
  min: number;
  max: number;
  fallback?: number;
}): z.ZodType<number> => {
  const error = `give a whole number from ${range.min} to ${range.max}`;
  const number = z
    .string()
    .regex(/^-?\d{1,15}$/, { error })
    .transform(Number)
    .pipe(z.number().min(range.min, { error }).max(range.max, { error }));
  const wire = { type: "integer", minimum: range.min, maximum: range.max };
  if (range.fallback === undefined) return number.meta({ wire });
  return number
    .prefault(String(range.fallback))
    .meta({ wire: { ...wire, default: range.fallback } });
};

/** The query of a list: limit, cursor and filters. */
export const pageQuery = <Shape extends z.ZodRawShape>(filters: Shape) =>
  z.strictObject({
    limit: queryInt({ min: 1, max: 100, fallback: 20 }),
    cursor: z
      .string()
      .max(1_000)
      .regex(/^[\w-]+$/, { error: "give `next` of the previous page, or omit it" })
      .optional(),
    ...filters,
  });

/** A page of a list; `next` is the cursor of the next page, null at the end. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), next: z.string().nullable() });

/** RFC 9457. */
export const Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    errors: z
      .array(z.strictObject({ path: z.string(), code: z.string(), message: z.string() }))
      .optional(),
  })
  .meta({ id: "Problem" });

/** Epoch ms as text in responses. */
export const iso = (atMs: number): string => new Date(atMs).toISOString();
export const isoOrNull = (atMs: number | null): string | null => (atMs === null ? null : iso(atMs));
