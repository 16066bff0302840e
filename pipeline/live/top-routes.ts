import { shortName } from "../fold/names.ts";
import { OTHER, shortfallMax } from "../sketches/heavy-hitters.ts";
import { LatencySketch, NO_BUCKET } from "../sketches/latency-sketch.ts";
import { FIVE_MINUTES_S, isInWindow, type LivePart, type NameWindow } from "./live-part.ts";
import type { NameCounts } from "./name-counts.ts";
import { NameGranules } from "./name-granules.ts";
import { bucketOfCode, isErrorCode, outcomeOf, routeOf } from "./route-code.ts";

export const ROUTES_WINDOW: NameWindow = { namesMax: 2048, granuleS: 30 };
const NAME_BYTES_MAX = 160;

type RouteStatistics = {
  route: string;
  requests: number;
  errors: number;
  p95Ms: number | null;
};

export type BusiestRoutes = {
  /** Busiest first. */
  routes: RouteStatistics[];
  /** The maximum by which each number of requests or errors is too small. */
  shortfallMax: number;
};

type Sum = { requests: number; errors: number };

/** Requests by route over the last five minutes, in steps of half a minute. */
export class TopRoutes {
  /** By route and outcome. */
  readonly #granules = new NameGranules(ROUTES_WINDOW, FIVE_MINUTES_S);

  /** `numbers` has triples of a second's index, a route code, requests. */
  merge({ numbers, names = [] }: LivePart, seconds: Uint32Array, nowS: number): void {
    for (let i = 0; i < numbers.length; i += 3) {
      const second = seconds[numbers[i]!]!;
      if (!isInWindow(second, nowS, FIVE_MINUTES_S)) continue;
      const code = numbers[i + 1]!;
      const name = names[routeOf(code)] ?? "";
      this.#granules.at(second, nowS)?.add(name, outcomeOf(code), numbers[i + 2]!);
    }
  }

  top(nowS: number, limit: number): BusiestRoutes {
    const recent = this.#granules.recent(nowS);
    const sums = sumsOf(recent);
    const other = sums.get(OTHER)?.requests ?? 0;
    sums.delete(OTHER);
    const busiest = [...sums].toSorted((a, b) => b[1].requests - a[1].requests).slice(0, limit);
    const latencies = latenciesOf(recent, new Set(busiest.map(([name]) => name)));
    return {
      routes: busiest.map(([name, { requests, errors }]) => ({
        route: shortName(name, NAME_BYTES_MAX),
        requests,
        errors,
        p95Ms: latencies.get(name)?.quantile(0.95) ?? null,
      })),
      shortfallMax: shortfallMax(other, ROUTES_WINDOW.namesMax),
    };
  }
}

function sumsOf(recent: readonly NameCounts[]): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const counts of recent) {
    counts.each((name, outcome, count) => {
      let sum = sums.get(name);
      if (!sum) sums.set(name, (sum = { requests: 0, errors: 0 }));
      sum.requests += count;
      if (isErrorCode(outcome)) sum.errors += count;
    });
  }
  return sums;
}

/** The response times of some routes. */
function latenciesOf(
  recent: readonly NameCounts[],
  names: ReadonlySet<string>,
): Map<string, LatencySketch> {
  const latencies = new Map([...names].map((name) => [name, new LatencySketch()]));
  for (const counts of recent) {
    counts.each((name, outcome, count) => {
      const bucket = bucketOfCode(outcome);
      if (bucket !== NO_BUCKET) latencies.get(name)?.addBucket(bucket, count);
    });
  }
  return latencies;
}
