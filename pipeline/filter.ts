/** A condition on one field. All conditions of a list must hold. */
export type Condition =
  | { field: string; op: "eq" | "ne"; value: string | number }
  | { field: string; op: "gt" | "gte" | "lt" | "lte"; value: number }
  /** `*` stands for any run of characters; case does not matter. */
  | { field: string; op: "like" | "not_like"; value: string }
  | { field: string; op: "exists" | "missing" }
  /** The words stand somewhere in the message, the error, URL, user agent, referrer, or original line; case does not matter. */
  | { field: "*"; op: "contains"; value: string };

export type Filter = readonly Condition[];

/** The field has one of these values; none of them holds for nothing. The query language cannot say it. */
export type OneOf = { field: string; op: "one_of"; values: readonly string[] };
/** What the reads of a store take: a filter, and what it is kept within. */
export type StoreFilter = readonly (Condition | OneOf)[];

/** Half-open: from ≤ t < to, epoch ms. */
export type TimeRange = { fromMs: number; toMs: number };
