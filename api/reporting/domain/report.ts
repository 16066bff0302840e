import type { z } from "zod";

import type { Source } from "./facts.ts";
import {
  type Bucket,
  type Range,
  type RangeMistake,
  type RangeParams,
  type Step,
  bucketsOf,
  rangeOf,
  tooManySteps,
} from "./periods.ts";

/** `integer` of any size, `decimal` as text (never a float), `date` 2026-11-24, `time` 2026-11-24T10:00:00Z. */
type ColumnType = "text" | "integer" | "decimal" | "date" | "time";
export type Column = {
  name: string;
  type: ColumnType;
  unit: "minor units" | "count" | "ratio" | "ms" | "minor units per request" | "none";
  meaning: string;
};
export type Cell = string | bigint | null;
export type Row = readonly Cell[];

/** A result row of the warehouse. */
export type RawRow = Readonly<Record<string, string | bigint | null>>;

/** The parameters with the range that they resolve to. */
export type ResolvedRequest<Params> = {
  params: Params;
  range: Range;
  buckets: readonly Bucket[];
  nowMs: number;
};

type AnyParams = RangeParams & { step: Step | "all" };

/** A report as data: parameters, columns, and how warehouse sums become its rows. */
export type ReportSpec<Params extends AnyParams> = {
  /** Used in its path and in permissions: `/v1/reports/revenue`, `reporting:reports:read/revenue`. */
  name: string;
  title: string;
  meaning: string;
  sources: readonly Source[];
  /** A strict object of strings, which parses a query string and a JSON body. */
  params: z.ZodObject & z.ZodType<Params>;
  columns: readonly Column[];
  finish(request: ResolvedRequest<Params>, rows: readonly RawRow[]): Row[];
};

/** The range and steps of the parameters, or the invalid parameter. */
export function resolveRequest<Params extends AnyParams>(
  params: Params,
  nowMs: number,
): ResolvedRequest<Params> | RangeMistake {
  const range = rangeOf(params, nowMs);
  if ("path" in range) return range;
  if (params.step === "all") {
    return { params, range, buckets: [], nowMs };
  }
  const mistake = tooManySteps(params.step, range);
  return mistake ?? { params, range, buckets: bucketsOf(params.step, range), nowMs };
}

export const integerOf = (row: RawRow, name: string): bigint => {
  const value = row[name] ?? 0n;
  return typeof value === "bigint" ? value : BigInt(value);
};

export const textOf = (row: RawRow, name: string): string => String(row[name] ?? "");

/** The period of a row in the format of reports; the warehouse returns `2026-11-01 10:00:00`. */
export function periodOf(row: RawRow, step: Step): string {
  const text = textOf(row, "period");
  return step === "hour" ? `${text.slice(0, 10)}T${text.slice(11, 19)}Z` : text.slice(0, 10);
}

/** Groups rows by a key, in order of first appearance. */
export function groupBy<Item>(
  items: readonly Item[],
  key: (item: Item) => string,
): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** The column with the start of the step. */
export const PERIOD: Column = {
  name: "period",
  type: "date",
  unit: "none",
  meaning: "First day of the step (UTC; weeks begin on Monday).",
};

export const CURRENCY: Column = {
  name: "currency",
  type: "text",
  unit: "none",
  meaning: "ISO 4217. Amounts are never summed across currencies.",
};

export const money = (name: string, meaning: string): Column => ({
  name,
  type: "integer",
  unit: "minor units",
  meaning,
});
export const count = (name: string, meaning: string): Column => ({
  name,
  type: "integer",
  unit: "count",
  meaning,
});
export const share = (name: string, meaning: string): Column => ({
  name,
  type: "decimal",
  unit: "ratio",
  meaning: `${meaning} Six digits, rounded half away from zero; empty where it would be divided by zero.`,
});
export const word = (name: string, meaning: string): Column => ({
  name,
  type: "text",
  unit: "none",
  meaning,
});
