import { z } from "zod";

import { AppError } from "../errors.ts";

/** The end of a page as opaque text: base64url of JSON. It grants no access, so it is not signed. */
export const encodeCursor = (values: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(values)).toString("base64url");

/**
 * The values of a cursor; undefined without a cursor.
 * @throws AppError bad_request that names `query.cursor`
 */
export function decodeCursor<Values extends z.ZodType<readonly unknown[]>>(
  schema: Values,
  cursor: string | undefined,
): z.output<Values> | undefined {
  if (cursor === undefined) return undefined;
  const parsed = schema.safeParse(jsonOf(cursor));
  if (parsed.success) return parsed.data;
  const message = "this is not a cursor of this list: give `next` of the previous page, or omit it";
  throw new AppError("bad_request", `query.cursor: ${message}`, {
    fields: [{ path: "query.cursor", code: "invalid_cursor", message }],
  });
}

function jsonOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}

/** Makes a page from rows that were read with a limit of one more than `limit`. */
export function cutPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  by: { item(row: Row): Item; cursor(row: Row): readonly (string | number)[] },
): { items: Item[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(by.item), next: more ? encodeCursor(by.cursor(last)) : null };
}

const LATEST_MS = Date.UTC(9999, 0);
const TimeCursor = z.tuple([z.int().min(0).max(LATEST_MS), z.string().max(100)]);
type PageQuery = { limit: number; cursor?: string | undefined };
type TimeKey = readonly [ms: number, key: string];

/** The start of a page of a list that is sorted by time and id. */
export const pageStart = (
  { limit, cursor }: PageQuery,
  order: "newest" | "oldest" = "newest",
): { limit: number; after: TimeKey; order: "newest" | "oldest" } => ({
  limit,
  after: decodeCursor(TimeCursor, cursor) ?? (order === "newest" ? [LATEST_MS, ""] : [0, ""]),
  order,
});

/** The response of a list: a page of rows that were read with a limit of one more. */
export const pageResponse = <Row, Item>(
  rows: readonly Row[],
  { limit }: PageQuery,
  by: { item: (row: Row) => Item; cursor: (row: Row) => readonly (string | number)[] },
) => ({ status: 200 as const, body: cutPage(rows, limit, by) });

/** Cursor of a list that is sorted by creation. */
export const createdCursor = (row: { createdAtMs: number; id: string }): TimeKey => [
  row.createdAtMs,
  row.id,
];
