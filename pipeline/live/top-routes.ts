import { CountTable } from "./count-table.ts";
import { ROUTE_ERROR_UNIT, ROUTE_NAME_UNIT, USERS_WINDOW_S } from "./frame-delta.ts";
import { BUCKET_MIN, LatencySketch } from "./latency-sketch.ts";
import { NameTable } from "./names.ts";

const GRANULE_S = 30;
/** One more than the window holds, because the oldest and the newest are partly in it. */
const GRANULES = USERS_WINDOW_S / GRANULE_S + 1;
const NAME_CHARS_MAX = 160;

export type RouteStatistics = {
  route: string;
  requests: number;
  errors: number;
  p95Ms: number | null;
};

type Granule = { number: number; names: NameTable; counts: CountTable };
type Sum = { requests: number; errors: number; latency: [Granule, number][] };

/** Requests by route over the last five minutes, in steps of half a minute. */
export class TopRoutes {
  readonly #granules: Granule[] = Array.from({ length: GRANULES }, () => ({
    number: -1,
    names: new NameTable(),
    counts: new CountTable(),
  }));

  /** Adds requests; `code` as in `FrameDelta.routes`, whose index of a name is replaced by the name. */
  add(second: number, route: string, code: number, requests: number): void {
    const number = Math.floor(second / GRANULE_S);
    const granule = this.#granules[number % GRANULES]!;
    if (granule.number > number) return;
    if (granule.number < number) {
      granule.number = number;
      granule.names.clear();
      granule.counts.clear();
    }
    granule.counts.add(granule.names.number(route), code % ROUTE_NAME_UNIT, requests);
  }

  /** The busiest routes, busiest first. */
  top(nowS: number, limit: number): RouteStatistics[] {
    const oldest = Math.floor((nowS - USERS_WINDOW_S) / GRANULE_S);
    const live = this.#granules.filter((granule) => granule.number >= oldest);
    const sums = new Map<string, Sum>();
    for (const granule of live) addGranule(sums, granule);
    const busiest = [...sums].toSorted((a, b) => b[1].requests - a[1].requests).slice(0, limit);
    return busiest.map(([name, sum]) => {
      const route = name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX)}…` : name;
      return { route, requests: sum.requests, errors: sum.errors, p95Ms: p95(sum) };
    });
  }
}

function addGranule(sums: Map<string, Sum>, granule: Granule): void {
  const { counts, names } = granule;
  const byNumber: Sum[] = [];
  for (let entry = 0; entry < counts.size; entry += 1) {
    const number = counts.firsts[entry]!;
    let sum = byNumber[number];
    if (!sum) {
      const name = names.name(number);
      sum = sums.get(name) ?? { requests: 0, errors: 0, latency: [] };
      sums.set(name, sum);
      sum.latency.push([granule, number]);
      byNumber[number] = sum;
    }
    const count = counts.counts[entry]!;
    sum.requests += count;
    if (counts.seconds[entry]! >= ROUTE_ERROR_UNIT) sum.errors += count;
  }
}

function p95(sum: Sum): number | null {
  const sketch = new LatencySketch();
  for (const [{ counts }, number] of sum.latency) {
    for (let entry = 0; entry < counts.size; entry += 1) {
      if (counts.firsts[entry] !== number) continue;
      const bucket = counts.seconds[entry]! % ROUTE_ERROR_UNIT;
      if (bucket > 0) sketch.addBucket(bucket - 1 + BUCKET_MIN, counts.counts[entry]!);
    }
  }
  return sketch.quantile(0.95);
}
