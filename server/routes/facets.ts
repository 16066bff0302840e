import type { Condition, Filter, TimeRange } from "#pipeline/filter.ts";
import type { EventReader, Facets } from "#pipeline/store/port.ts";

type FacetsQuery = TimeRange & { where: Filter; fields: readonly string[]; limit: number };

/**
 * The most frequent values of each field. Values that the search selects do not limit the values of their own field, so
 * that others can be selected too; the selected ones are always listed, at the end if they are rarer.
 */
export async function loadFacets(
  store: Pick<EventReader, "facets">,
  { where, fields, limit, ...range }: FacetsQuery,
): Promise<Facets> {
  const selected = fields.filter((field) => where.some((it) => selectsValues(it, field)));
  const others = fields.filter((field) => !selected.includes(field));
  const parts = await Promise.all([
    others.length > 0 ? store.facets({ ...range, where, fields: others, limit }) : new Map(),
    ...selected.map((field) => selectedFacet(store, { ...range, where, field, limit })),
  ]);
  const found: Facets = new Map(parts.flatMap((part) => [...part]));
  return new Map(fields.map((field) => [field, found.get(field) ?? []]));
}

type SelectedFacet = TimeRange & { where: Filter; field: string; limit: number };

async function selectedFacet(
  store: Pick<EventReader, "facets">,
  { field, where, ...request }: SelectedFacet,
): Promise<Facets> {
  const others = where.filter((it) => !selectsValues(it, field));
  const [all, chosen] = await Promise.all(
    [others, where].map((it) => store.facets({ ...request, where: it, fields: [field] })),
  );
  const frequent = all?.get(field) ?? [];
  const listed = new Set(frequent.map(({ value }) => value));
  const rarer = (chosen?.get(field) ?? []).filter(({ value }) => !listed.has(value));
  return new Map([[field, [...frequent, ...rarer]]]);
}

/** Whether a condition is `field:value` or `field:(value OR value)`. */
function selectsValues(condition: Condition, field: string): boolean {
  if (condition.op !== "or") return condition.op === "eq" && condition.field === field;
  return condition.of.every(
    ([first, ...more]) => more.length === 0 && first !== undefined && selectsValues(first, field),
  );
}
