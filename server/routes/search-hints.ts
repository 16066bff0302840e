import type { SearchHint } from "#dashboards/api.ts";
import { otherCases, otherCaseText } from "#pipeline/query/value-case.ts";

/** What may be wrong with a valid query. */
export async function hintsFor(...search: Parameters<typeof otherCases>): Promise<SearchHint[]> {
  const found = await otherCases(...search);
  return found.map((it) => ({ text: otherCaseText(it), query: it.query }));
}
