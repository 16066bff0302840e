import { CountTable } from "../fold/count-table.ts";
import { NameTable } from "../fold/names.ts";
import { LatencySketch, NO_BUCKET } from "../sketches/latency-sketch.ts";
import { FIVE_MINUTES_S, isInWindow, lastLiveSecond, type LivePart } from "./live-part.ts";
import { bucketOfCode, isErrorCode, outcomeOf, routeOf } from "./route-code.ts";

const GRANULE_S = 30;
/** One more than fit into the window, because the oldest and the newest granule are partly in it. */
const GRANULES = FIVE_MINUTES_S / GRANULE_S + 1;
const NAME_CHARS_MAX = 160;

export type RouteStatistics = {
  route: string;
  requests: number;
  errors: number;
  p95Ms: number | null;
};

/** `number` identifies its half minute; `counts` are by route code. */
type Granule = { number: number; names: NameTable; counts: CountTable };
type Sum = { requests: number; errors: number; latency: [Granule, number][] };

/** Requests by route over the last five minutes, in steps of half a minute. */
export class TopRoutes {
  readonly #granules: Granule[] = Array.from({ length: GRANULES }, () => ({
    number: -1,
    names: new NameTable(),
    counts: new CountTable(),
  }));

  /** `numbers` has triples of a second's index, a route code, requests. */
  merge({ numbers, names = [] }: LivePart, seconds: Uint32Array, nowS: number): void {
    for (let i = 0; i < numbers.length; i += 3) {
      const second = seconds[numbers[i]!]!;
      if (!isInWindow(second, nowS, FIVE_MINUTES_S)) continue;
      const code = numbers[i + 1]!;
      const name = names[routeOf(code)] ?? "";
      const granule = this.#granuleOf(second, nowS);
      granule?.counts.add(granule.names.number(name), outcomeOf(code), numbers[i + 2]!);
    }
  }

  /** The busiest routes, busiest first. */
  top(nowS: number, limit: number): RouteStatistics[] {
    const oldest = Math.floor((nowS - FIVE_MINUTES_S) / GRANULE_S);
    const newest = newestGranule(nowS);
    const live = this.#granules.filter(({ number }) => number >= oldest && number <= newest);
    const sums = new Map<string, Sum>();
    for (const granule of live) addGranule(sums, granule);
    const busiest = [...sums].toSorted((a, b) => b[1].requests - a[1].requests).slice(0, limit);
    return busiest.map(([name, sum]) => {
      const route = name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX)}…` : name;
      return { route, requests: sum.requests, errors: sum.errors, p95Ms: p95(sum) };
    });
  }

  /** The granule of a second; undefined if it is too old. */
  #granuleOf(second: number, nowS: number): Granule | undefined {
    const number = Math.floor(second / GRANULE_S);
    const granule = this.#granules[number % GRANULES]!;
    if (granule.number > number && granule.number <= newestGranule(nowS)) return undefined;
    if (granule.number !== number) {
      granule.number = number;
      granule.names.clear();
      granule.counts.clear();
    }
    return granule;
  }
}

const newestGranule = (nowS: number): number => Math.floor(lastLiveSecond(nowS) / GRANULE_S);

function addGranule(sums: Map<string, Sum>, granule: Granule): void {
  const { counts, names } = granule;
  const byNumber: Sum[] = [];
  for (let entry = 0; entry < counts.size; entry += 1) {
    const number = counts.groups[entry]!;
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
    if (isErrorCode(counts.keys[entry]!)) sum.errors += count;
  }
}

function p95(sum: Sum): number | null {
  const sketch = new LatencySketch();
  for (const [{ counts }, number] of sum.latency) {
    for (let entry = 0; entry < counts.size; entry += 1) {
      if (counts.groups[entry] !== number) continue;
      const bucket = bucketOfCode(counts.keys[entry]!);
      if (bucket !== NO_BUCKET) sketch.addBucket(bucket, counts.counts[entry]!);
    }
  }
  return sketch.quantile(0.95);
}
