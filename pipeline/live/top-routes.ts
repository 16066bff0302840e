import { CountTable } from "../fold/count-table.ts";
import { NameTable } from "../fold/names.ts";
import { BUCKET_MIN, LatencySketch } from "../sketches/latency-sketch.ts";
import { isInWindow, type LivePart, VISITORS_WINDOW_S } from "./live-part.ts";

/**
 * A code of the part is the index of a name times ROUTE_NAME_UNIT, and ROUTE_ERROR_UNIT for an error, and the latency
 * bucket less BUCKET_MIN plus 1, or 0 where the response time is not known.
 */
export const ROUTE_NAME_UNIT = 2048;
export const ROUTE_ERROR_UNIT = 1024;

const GRANULE_S = 30;
/** One more than fits the window, because the oldest and the newest are partly in it. */
const GRANULES = VISITORS_WINDOW_S / GRANULE_S + 1;
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

  /** `numbers` has triples of a second's index, a code, requests. */
  merge({ numbers, names = [] }: LivePart, seconds: Uint32Array, nowS: number): void {
    for (let i = 0; i < numbers.length; i += 3) {
      const second = seconds[numbers[i]!]!;
      if (!isInWindow(second, nowS, VISITORS_WINDOW_S)) continue;
      const code = numbers[i + 1]!;
      const name = names[Math.floor(code / ROUTE_NAME_UNIT)] ?? "";
      this.#add(second, name, code, numbers[i + 2]!);
    }
  }

  /** The busiest routes, busiest first. */
  top(nowS: number, limit: number): RouteStatistics[] {
    const oldest = Math.floor((nowS - VISITORS_WINDOW_S) / GRANULE_S);
    const live = this.#granules.filter((granule) => granule.number >= oldest);
    const sums = new Map<string, Sum>();
    for (const granule of live) addGranule(sums, granule);
    const busiest = [...sums].toSorted((a, b) => b[1].requests - a[1].requests).slice(0, limit);
    return busiest.map(([name, sum]) => {
      const route = name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX)}…` : name;
      return { route, requests: sum.requests, errors: sum.errors, p95Ms: p95(sum) };
    });
  }

  #add(second: number, route: string, code: number, requests: number): void {
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
