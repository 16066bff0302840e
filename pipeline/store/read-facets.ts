import { asNumber, asText } from "./duck.ts";
import type { RangeSql } from "./event-range.ts";
import { facetKinds, facetsSql, listFacetSql } from "./facets-sql.ts";
import type { Statement } from "./filter-sql.ts";
import type { Facets, FacetsRequest } from "./port.ts";
import type { Question } from "./questions.ts";
import type { SegmentReader } from "./segment-reader.ts";

/** The facets of all fields: one scan for those with one value per event, and one for each list. */
export async function readFacets(
  reader: SegmentReader,
  request: FacetsRequest,
  question: Question,
): Promise<Facets> {
  const { single, lists } = facetKinds(request.fields);
  const facets: Facets = new Map(request.fields.map((field) => [field, []]));
  const read = async (fields: readonly string[], build: (range: RangeSql) => Statement) => {
    for (const [number, value, count] of await reader.events(request, build, question)) {
      const field = fields[asNumber(number)] ?? "";
      facets.get(field)?.push({ value: asText(value) ?? "", count: asNumber(count) });
    }
  };
  if (single.length > 0) await read(single, (range) => facetsSql(request, single, range));
  for (const list of lists) await read([list], (range) => listFacetSql(request, list, range));
  return facets;
}
