import type { Filter, TimeRange } from "#pipeline/filter.ts";
import type { AggregateRow, CurrentStore, EventReader } from "#pipeline/store/port.ts";

import type { RequestCount, RequestLog } from "../domain/request-log.ts";

const HOUR_MS = 3_600_000;
/** Log values may be longer than the text columns of a warehouse. */
const NAME_CHARS_MAX = 200;
const SERVICES_MAX = 200;
const RELEASES_MAX = 500;
const RELEASE = "service.version";
const STATUS = "http.response.status_code";

/**
 * Requests by release, read through the pipeline's store port. An event with a status and a release is a request.
 * Response times are buckets of the pipeline's sketch, so that they merge exactly.
 */
export function storeRequestLog(stores: Pick<CurrentStore, "get">): RequestLog {
  return {
    async extent() {
      const extents = await (await stores.get()).extents();
      if (extents.length === 0) return undefined;
      return {
        fromMs: Math.min(...extents.map(({ fromMs }) => fromMs)),
        toMs: Math.max(...extents.map(({ toMs }) => toMs)),
      };
    },
    async requests(range) {
      const store = await stores.get();
      const where: Filter = [
        { field: STATUS, op: "exists" },
        { field: RELEASE, op: "exists" },
      ];
      const fields = ["service.name"];
      const facets = await store.facets({ ...range, where, fields, limit: SERVICES_MAX });
      const counts: RequestCount[] = [];
      for (const { value } of facets.get("service.name") ?? []) {
        counts.push(...(await ofService(store, range, value)));
      }
      return counts;
    },
  };
}

async function ofService(
  store: EventReader,
  range: TimeRange,
  service: string,
): Promise<RequestCount[]> {
  const where: Filter = [
    { field: STATUS, op: "exists" },
    { field: "service.name", op: "eq", value: service },
  ];
  const aggregateRows = (
    aggregate: { kind: "count" } | { kind: "latency"; field: "event.duration" },
    more: Filter = [],
  ): Promise<AggregateRow[]> =>
    store.aggregate({
      ...range,
      aggregate,
      where: [...where, ...more],
      stepMs: HOUR_MS,
      by: { field: RELEASE, limit: RELEASES_MAX },
    });
  const all = await aggregateRows({ kind: "count" });
  const timed = await aggregateRows({ kind: "latency", field: "event.duration" });
  const errors = await aggregateRows({ kind: "count" }, [{ field: STATUS, op: "gte", value: 500 }]);
  return [
    ...timed.map((row) => countOf(service, row, { requests: row.value, errors: 0 })),
    ...untimed(all, timed).map((row) => countOf(service, row, { requests: row.value, errors: 0 })),
    ...errors.map((row) => countOf(service, row, { requests: 0, errors: row.value })),
  ].filter(({ release }) => release !== "");
}

const countOf = (
  service: string,
  { tMs, by, bucket }: AggregateRow,
  counts: { requests: number; errors: number },
): RequestCount => ({
  hourMs: tMs,
  service: service.slice(0, NAME_CHARS_MAX),
  release: (by ?? "").slice(0, NAME_CHARS_MAX),
  bucket,
  ...counts,
});

const key = ({ tMs, by }: AggregateRow): string => `${tMs} ${by ?? ""}`;

/** Requests without a duration. */
function untimed(all: readonly AggregateRow[], timed: readonly AggregateRow[]): AggregateRow[] {
  const known = new Map<string, number>();
  for (const row of timed) known.set(key(row), (known.get(key(row)) ?? 0) + row.value);
  return all
    .map((row) => ({ ...row, value: row.value - (known.get(key(row)) ?? 0), bucket: null }))
    .filter(({ value }) => value > 0);
}
