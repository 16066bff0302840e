import { covers, type Scope } from "#pipeline/dataset-names.ts";
import type { StoreFilter } from "#pipeline/filter.ts";
import type { EventReader, Extent } from "#pipeline/store/port.ts";
import { type Caller, scopesOf } from "#platform/http/caller.ts";

export const READ = "logging:logs:read";
export const WRITE = "logging:logs:write";
export const KEEP = "logging:retention:write";

const DATASET_FIELD = "data_stream.dataset";

export const readScope = (caller: Caller): Scope => scopesOf(caller, READ);

/** The datasets that the caller may read. */
export async function visibleExtents(
  store: Pick<EventReader, "extents">,
  caller: Caller,
): Promise<Extent[]> {
  const scope = readScope(caller);
  return (await store.extents()).filter(({ dataset }) => covers(scope, dataset));
}

/** The filter that restricts a read to the caller's datasets, by name: stores do not support patterns. */
export async function withinScope(
  store: Pick<EventReader, "extents">,
  caller: Caller,
): Promise<StoreFilter> {
  if (readScope(caller) === "all") return [];
  const visible = await visibleExtents(store, caller);
  return [{ field: DATASET_FIELD, op: "one_of", values: visible.map(({ dataset }) => dataset) }];
}

/** Whether an event is in the caller's datasets. */
export function isVisible(caller: Caller, fields: Readonly<Record<string, unknown>>): boolean {
  const dataset = fields[DATASET_FIELD];
  const scope = readScope(caller);
  return scope === "all" || (typeof dataset === "string" && covers(scope, dataset));
}
