import { isDeepStrictEqual } from "node:util";

import type { Condition, FieldCondition, Filter, TimeRange } from "../filter.ts";
import type { EventReader } from "../store/port.ts";
import { formatFilter } from "./format.ts";
import { columnType } from "./names.ts";

type Equality = Extract<FieldCondition, { op: "eq" | "ne" }> & { value: string };

/** A value that no event has, and the same letters in another case, which some have. */
export type OtherCase = {
  field: string;
  value: string;
  known: string;
  /** The whole query with the value that is known. */
  query: string;
};

/** Values that are looked up in one query. */
const VALUES_MAX = 5;
const CASES_MAX = 20;

type CaseLookup = {
  store: Pick<EventReader, "search" | "facets">;
  range: TimeRange;
  /** Whether no event matches: otherwise values that must match are known to occur. */
  isEmpty: boolean;
};

/** The values of a query that occur in the range only with other upper and lower case letters. */
export async function otherCases(filter: Filter, lookup: CaseLookup): Promise<OtherCase[]> {
  const suspects = filter.flatMap((it) => {
    const isKnown = !lookup.isEmpty && it.op === "eq";
    return isKnown ? [] : equalitiesOf(it);
  });
  const found = await Promise.all(
    suspects.slice(0, VALUES_MAX).map(async (it) => {
      const known = await otherCaseOf(it, lookup);
      if (known === undefined) return [];
      const query = formatFilter(filter.map((one) => withValue(one, it, known)));
      return [{ field: it.field, value: it.value, known, query }];
    }),
  );
  return found.flat();
}

/** The conditions that compare a text with letters. */
function equalitiesOf(condition: Condition): Equality[] {
  if (condition.op === "or") return condition.of.flatMap((it) => it.flatMap(equalitiesOf));
  if (condition.op === "not") return condition.of.flatMap(equalitiesOf);
  if (condition.op !== "eq" && condition.op !== "ne") return [];
  const { field, value } = condition;
  const isText = columnType(field) === undefined || /^keywords?$/.test(columnType(field) ?? "");
  if (!isText || typeof value !== "string") return [];
  // `*` in a value would be a wildcard when its letters are looked up in any case.
  const hasCase = value.toLowerCase() !== value.toUpperCase() && !value.includes("*");
  return hasCase ? [{ ...condition, value }] : [];
}

async function otherCaseOf(
  { field, value }: Equality,
  { store, range }: CaseLookup,
): Promise<string | undefined> {
  const same = { field, op: "eq", value } as const;
  if ((await store.search({ ...range, where: [same], limit: 1 })).length > 0) return undefined;
  const where = [{ field, op: "like", value } as const];
  const values = (await store.facets({ ...range, where, fields: [field], limit: CASES_MAX })).get(
    field,
  );
  const letters = value.toLowerCase();
  return values?.find((it) => it.value.toLowerCase() === letters)?.value;
}

function withValue(condition: Condition, wrong: Equality, value: string): Condition {
  if (condition.op === "or") {
    return { op: "or", of: condition.of.map((of) => of.map((it) => withValue(it, wrong, value))) };
  }
  if (condition.op === "not") {
    return { op: "not", of: condition.of.map((it) => withValue(it, wrong, value)) };
  }
  return isDeepStrictEqual(condition, wrong) ? { ...wrong, value } : condition;
}

/** What to tell a person. */
export const otherCaseText = ({ field, value, known }: OtherCase): string =>
  `no event in this range has ${field} ${JSON.stringify(value)}: did you mean ${JSON.stringify(known)}? Upper and lower case differ.`;
