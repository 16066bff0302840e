import type { z } from "zod";

import { isoOrNull } from "./schema.ts";

/** The types of an object from which a body is made: `createdAtMs` for `createdAt`, integers also as bigint. */
type Source<Body> = {
  [
    Field in keyof Body as Field extends `${infer Name}At` ? `${Name}AtMs` : Field
  ]: Field extends `${string}At`
    ? number | (null extends Body[Field] ? null : never)
    : Body[Field] | (number extends Body[Field] ? bigint : never);
};

/** The fields of a response body, picked from an object. @throws RangeError for a bigint beyond 2^53-1 */
export function toBody<Schema extends z.ZodObject>(
  schema: Schema,
  source: Source<z.input<Schema>>,
): z.input<Schema> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type has the fields of the schema
  const values = source as Readonly<Record<string, unknown>>;
  const fields = Object.keys(schema.shape).map((field) => [field, fieldOf(values, field)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `Source` has the value of each field
  return Object.fromEntries(fields) as z.input<Schema>;
}

function fieldOf(values: Readonly<Record<string, unknown>>, field: string): unknown {
  const atMs = values[`${field}Ms`];
  if (typeof atMs === "number" || atMs === null) return isoOrNull(atMs);
  const value = values[field];
  if (typeof value !== "bigint") return value;
  const integer = Number(value);
  if (!Number.isSafeInteger(integer)) throw new RangeError(`${value} does not fit a JSON integer`);
  return integer;
}
