import { systemClock } from "#platform/clock.ts";

import { currentStoreUrl, type StorePlace } from "../current-store.ts";

const RANGE_MS = 3_600_000;
const ANSWER_MS_MAX = 10_000;

/**
 * The paths that a workload's users requested most in the last hour, most frequent first; empty without stored events. The store's
 * engine is loaded when it is needed, because it takes more memory than all else here.
 */
export async function topPaths(
  place: StorePlace,
  workload: string,
  limit: number,
): Promise<string[]> {
  const { hasEvents, openStore } = await import("#pipeline/store/open-store.ts");
  const url = currentStoreUrl(place);
  if (!hasEvents(url)) return [];
  await using store = await openStore({ url, clock: systemClock });
  const nowMs = systemClock.nowMs();
  const facets = await store.facets({
    fromMs: nowMs - RANGE_MS,
    toMs: nowMs,
    where: [
      { field: "event.dataset", op: "eq", value: `${workload}.access` },
      { field: "http.request.method", op: "eq", value: "GET" },
      { field: "http.response.status_code", op: "lt", value: 400 },
    ],
    fields: ["url.path"],
    limit,
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  return (facets.get("url.path") ?? []).map(({ value }) => value);
}
