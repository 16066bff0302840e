import { z } from "zod";

import type { Filter, StoreFilter, TimeRange } from "#pipeline/filter.ts";
import { otherCases, otherCaseText } from "#pipeline/query/value-case.ts";
import type { EventReader } from "#pipeline/store/port.ts";

const Hint = z.strictObject({ text: z.string(), query: z.string() }).meta({
  id: "SearchHint",
  description: "What may be wrong with `q`, and the query that may be meant.",
});

/** Part of an answer to a query. */
export const hints = z.array(Hint).optional().meta({
  description:
    "Values of `q` that occur in the range only in another case. The answer itself is not changed.",
});

type HintQuery = TimeRange & {
  where: Filter;
  /** What the caller may read. */
  scope: StoreFilter;
  /** Whether no event matches. */
  isEmpty: boolean;
};

/** The hints on a query, from events that the caller may read; nothing without one. */
export async function hintsOn(
  { where, scope, isEmpty, ...range }: HintQuery,
  store: Pick<EventReader, "search" | "facets">,
): Promise<{ hints?: z.infer<typeof Hint>[] }> {
  const visible: Parameters<typeof otherCases>[1]["store"] = {
    search: (query) => store.search({ ...query, where: [...query.where, ...scope] }),
    facets: (query) => store.facets({ ...query, where: [...query.where, ...scope] }),
  };
  const found = await otherCases(where, { store: visible, range, isEmpty });
  if (found.length === 0) return {};
  return { hints: found.map((it) => ({ text: otherCaseText(it), query: it.query })) };
}
