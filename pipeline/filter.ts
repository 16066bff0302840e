/** A condition on one field. */
export type FieldCondition =
  | { field: string; op: "eq" | "ne"; value: string | number }
  | { field: string; op: "gt" | "gte" | "lt" | "lte"; value: number }
  /** `*` matches any characters; case-insensitive. */
  | { field: string; op: "like" | "not_like"; value: string }
  | { field: string; op: "exists" | "missing" }
  /** The IP address is in the network, such as 203.0.113.0/24. */
  | { field: string; op: "cidr"; value: string }
  /** The text occurs in the message, error, URL, user agent, referrer or original line; case-insensitive. */
  | { field: "*"; op: "contains"; value: string };

export type Condition =
  | FieldCondition
  /** At least one of the filters matches. */
  | { op: "or"; of: readonly Filter[] }
  /** The filter does not match; also true for events that lack its fields. */
  | { op: "not"; of: Filter };

/** All conditions must match. */
export type Filter = readonly Condition[];

/** The field has one of these values; an empty list matches nothing. Not available in the query language. */
export type OneOf = { field: string; op: "one_of"; values: readonly string[] };
/** The filter of store reads: query conditions, and restrictions such as the datasets of a caller. */
export type StoreFilter = readonly (Condition | OneOf)[];

/** Half-open: from ≤ t < to, epoch ms. */
export type TimeRange = { fromMs: number; toMs: number };

/** The conditions on single fields, at any depth. */
export function leavesOf(filter: StoreFilter): (FieldCondition | OneOf)[] {
  return filter.flatMap((condition) => {
    if (condition.op === "or") return condition.of.flatMap(leavesOf);
    return condition.op === "not" ? leavesOf(condition.of) : [condition];
  });
}

/** The field that decides a condition alone; undefined if it depends on several. */
export function onlyFieldOf(condition: Condition | OneOf): string | undefined {
  const fields = new Set(leavesOf([condition]).map(({ field }) => field));
  const [field] = fields;
  return fields.size === 1 ? field : undefined;
}
