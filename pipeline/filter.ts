/** A condition on one field. All conditions of a list must match. */
export type Condition =
  | { field: string; op: "eq" | "ne"; value: string | number }
  | { field: string; op: "gt" | "gte" | "lt" | "lte"; value: number }
  /** `*` matches any characters; case-insensitive. */
  | { field: string; op: "like" | "not_like"; value: string }
  | { field: string; op: "exists" | "missing" }
  /** The text occurs in the message, error, URL, user agent, referrer or original line; case-insensitive. */
  | { field: "*"; op: "contains"; value: string };

export type Filter = readonly Condition[];

/** The field has one of these values; an empty list matches nothing. Not available in the query language. */
export type OneOf = { field: string; op: "one_of"; values: readonly string[] };
/** The filter of store reads: query conditions, and restrictions such as the datasets of a caller. */
export type StoreFilter = readonly (Condition | OneOf)[];

/** Half-open: from ≤ t < to, epoch ms. */
export type TimeRange = { fromMs: number; toMs: number };
