import { DistinctSketch } from "./distinct-sketch.ts";
import {
  AHEAD_SECONDS_MAX,
  COUNTS_PER_SECOND,
  type FrameDelta,
  LIVE_SECONDS,
  MINUTE_WINDOW_S,
  ROUTE_NAME_UNIT,
  USERS_WINDOW_S,
} from "./frame-delta.ts";
import type { LiveFrame } from "./frame.ts";
import { BUCKET_MIN, BUCKETS, LatencySketch } from "./latency-sketch.ts";
import { TopRoutes, type RouteStatistics } from "./top-routes.ts";

type LiveSecond = LiveFrame["seconds"][number];

/** Powers of two, so that a second finds its place by a mask; longer than the hour, and than a minute. */
const SECONDS = 4096;
const LATENCY_SECONDS = 128;
const VISITORS_GRANULE_S = 10;
const VISITORS_GRANULES = USERS_WINDOW_S / VISITORS_GRANULE_S + 1;
const INSTANCES_MAX = 200;
const INSTANCES_SHOWN_MAX = 20;
const INSTANCE_CHARS_MAX = 80;
const ROUTES_SHOWN = 10;
/** A frame carries at most so many seconds; a flood of late events goes out over several frames. */
const SECONDS_PER_FRAME_MAX = 60;

/** The last hour of one dataset, in memory that does not depend on its rate. */
export class DatasetWindow {
  readonly #stamps = new Float64Array(SECONDS).fill(-1);
  readonly #counts = new Uint32Array(SECONDS * COUNTS_PER_SECOND);
  readonly #latencyStamps = new Float64Array(LATENCY_SECONDS).fill(-1);
  readonly #latency = new Uint32Array(LATENCY_SECONDS * BUCKETS);
  readonly #visitors = Array.from({ length: VISITORS_GRANULES }, () => ({
    number: -1,
    sketch: new DistinctSketch(),
  }));
  /** Name → the second in which it answered last. */
  readonly #instances = new Map<string, number>();
  readonly #routes = new TopRoutes();
  #topRoutes: RouteStatistics[] = [];
  #topRoutesOfS = -1;
  readonly #changed = new Set<number>();
  #newestArrivalMs: number | null = null;
  #newestEventMs: number | null = null;

  merge(delta: FrameDelta, nowMs: number): void {
    const nowS = Math.floor(nowMs / 1000);
    let isLive = false;
    for (let i = 0; i < delta.seconds.length; i += 1) {
      const second = delta.seconds[i]!;
      if (second <= nowS - LIVE_SECONDS || second > nowS + AHEAD_SECONDS_MAX) continue;
      isLive = true;
      this.#addCounts(second, delta.counts, i * COUNTS_PER_SECOND);
    }
    if (!isLive) return;
    this.#newestArrivalMs = nowMs;
    this.#newestEventMs = Math.max(this.#newestEventMs ?? 0, delta.newestEventMs);
    this.#addDetails(delta, nowS);
  }

  /** Adds the visitors of a rollup's minute. */
  mergeVisitors(tMs: number, sketch: Uint8Array): void {
    this.#visitorsOf(Math.floor(tMs / 1000))?.mergeBytes(sketch);
  }

  /** The statistics of now, with the given seconds. */
  frame(dataset: string, nowMs: number, seconds: LiveSecond[]): LiveFrame {
    const nowS = Math.floor(nowMs / 1000);
    const minute = this.#sum(nowS, MINUTE_WINDOW_S + 1);
    const latency = this.#latencyOf(nowS);
    const [p50 = null, p95 = null, p99 = null] = latency.quantiles([0.5, 0.95, 0.99]);
    return {
      dataset,
      atMs: nowMs,
      newestArrivalMs: this.#newestArrivalMs,
      newestEventMs: this.#newestEventMs,
      seconds,
      // The window is the minute before this second, and what has passed of this one.
      requestsPerSecond: minute.requests / (MINUTE_WINDOW_S + (nowMs % 1000) / 1000),
      errorRatio: minute.requests > 0 ? minute.errors / minute.requests : null,
      responseTimeMs: { p50, p95, p99 },
      usersConnected: this.#users(nowS),
      instances: this.#instancesOf(nowS),
      topRoutes: this.#top(nowS),
      turnover: {
        "5": this.#turnover(nowS, 5),
        "15": this.#turnover(nowS, 15),
        "60": this.#turnover(nowS, 60),
      },
    };
  }

  /** Seconds that changed since the last call, oldest first; of very many the newest, and the others next time. */
  takeChanged(): LiveSecond[] {
    const newest = [...this.#changed].toSorted((a, b) => a - b).slice(-SECONDS_PER_FRAME_MAX);
    for (const second of newest) this.#changed.delete(second);
    return newest.flatMap((second) => this.#second(second) ?? []);
  }

  /** All seconds of the last `lengthS` in which something happened. */
  recent(nowMs: number, lengthS: number): LiveSecond[] {
    const nowS = Math.floor(nowMs / 1000);
    const seconds: LiveSecond[] = [];
    for (let second = nowS - lengthS + 1; second <= nowS; second += 1) {
      const found = this.#second(second);
      if (found) seconds.push(found);
    }
    return seconds;
  }

  #second(second: number): LiveSecond | undefined {
    const slot = second & (SECONDS - 1);
    if (this.#stamps[slot] !== second) return undefined;
    const at = slot * COUNTS_PER_SECOND;
    const [requests = 0, errors = 0, signIns = 0, signOuts = 0] = this.#counts.subarray(at, at + 4);
    return { tMs: second * 1000, requests, errors, signIns, signOuts };
  }

  #addCounts(second: number, counts: Uint32Array, from: number): void {
    const slot = second & (SECONDS - 1);
    const at = slot * COUNTS_PER_SECOND;
    if (this.#stamps[slot] !== second) {
      this.#stamps[slot] = second;
      this.#counts.fill(0, at, at + COUNTS_PER_SECOND);
    }
    for (let i = 0; i < COUNTS_PER_SECOND; i += 1) this.#counts[at + i]! += counts[from + i]!;
    this.#changed.add(second);
  }

  #addDetails(delta: FrameDelta, nowS: number): void {
    const { seconds, latency, visitors, instances, routes } = delta;
    const isIn = (second: number, windowS: number) =>
      second >= nowS - windowS && second <= nowS + AHEAD_SECONDS_MAX;
    for (let i = 0; i < latency.length; i += 3) {
      const second = seconds[latency[i]!]!;
      if (isIn(second, MINUTE_WINDOW_S)) {
        this.#addLatency(second, latency[i + 1]!, latency[i + 2]!);
      }
    }
    for (let i = 0; i < visitors.length; i += 2) {
      const second = seconds[visitors[i]!]!;
      if (isIn(second, USERS_WINDOW_S)) this.#visitorsOf(second)?.add(visitors[i + 1]!);
    }
    for (let i = 0; i < instances.pairs.length; i += 2) {
      const second = seconds[instances.pairs[i]!]!;
      const name = instances.names[instances.pairs[i + 1]!] ?? "";
      if (isIn(second, MINUTE_WINDOW_S)) this.#addInstance(name, second, nowS);
    }
    for (let i = 0; i < routes.triples.length; i += 3) {
      const second = seconds[routes.triples[i]!]!;
      if (!isIn(second, USERS_WINDOW_S)) continue;
      const code = routes.triples[i + 1]!;
      const name = routes.names[Math.floor(code / ROUTE_NAME_UNIT)] ?? "";
      this.#routes.add(second, name, code, routes.triples[i + 2]!);
    }
  }

  #addLatency(second: number, bucket: number, requests: number): void {
    const slot = second & (LATENCY_SECONDS - 1);
    const at = slot * BUCKETS;
    if (this.#latencyStamps[slot] !== second) {
      this.#latencyStamps[slot] = second;
      this.#latency.fill(0, at, at + BUCKETS);
    }
    if (bucket < BUCKETS) this.#latency[at + bucket]! += requests;
  }

  /** The sketch that a second belongs to; undefined when that was long ago. */
  #visitorsOf(second: number): DistinctSketch | undefined {
    const number = Math.floor(second / VISITORS_GRANULE_S);
    const granule = this.#visitors[number % VISITORS_GRANULES]!;
    if (granule.number > number) return undefined;
    if (granule.number < number) {
      granule.number = number;
      granule.sketch = new DistinctSketch();
    }
    return granule.sketch;
  }

  #addInstance(name: string, second: number, nowS: number): void {
    if (this.#instances.size >= INSTANCES_MAX) {
      for (const [known, last] of this.#instances) {
        if (last < nowS - MINUTE_WINDOW_S) this.#instances.delete(known);
      }
      if (this.#instances.size >= INSTANCES_MAX) return;
    }
    const short = name.slice(0, INSTANCE_CHARS_MAX);
    this.#instances.set(short, Math.max(second, this.#instances.get(short) ?? 0));
  }

  #sum(nowS: number, lengthS: number) {
    const sum = { requests: 0, errors: 0, signIns: 0, signOuts: 0 };
    for (let second = nowS - lengthS + 1; second <= nowS; second += 1) {
      const slot = second & (SECONDS - 1);
      if (this.#stamps[slot] !== second) continue;
      const at = slot * COUNTS_PER_SECOND;
      sum.requests += this.#counts[at]!;
      sum.errors += this.#counts[at + 1]!;
      sum.signIns += this.#counts[at + 2]!;
      sum.signOuts += this.#counts[at + 3]!;
    }
    return sum;
  }

  #turnover(nowS: number, minutes: number) {
    const { signIns, signOuts } = this.#sum(nowS, minutes * 60);
    return { signIns, signOuts };
  }

  #latencyOf(nowS: number): LatencySketch {
    const totals = new Float64Array(BUCKETS);
    for (let second = nowS - MINUTE_WINDOW_S; second <= nowS; second += 1) {
      const slot = second & (LATENCY_SECONDS - 1);
      if (this.#latencyStamps[slot] !== second) continue;
      const at = slot * BUCKETS;
      for (let i = 0; i < BUCKETS; i += 1) totals[i]! += this.#latency[at + i]!;
    }
    const sketch = new LatencySketch();
    for (let i = 0; i < BUCKETS; i += 1) sketch.addBucket(i + BUCKET_MIN, totals[i]!);
    return sketch;
  }

  #users(nowS: number): number {
    const all = new DistinctSketch();
    const oldest = Math.floor((nowS - USERS_WINDOW_S) / VISITORS_GRANULE_S);
    for (const { number, sketch } of this.#visitors) if (number > oldest) all.merge(sketch);
    return all.estimate();
  }

  #instancesOf(nowS: number): string[] {
    const running = [...this.#instances].filter(([, second]) => second >= nowS - MINUTE_WINDOW_S);
    return running
      .map(([name]) => name)
      .toSorted()
      .slice(0, INSTANCES_SHOWN_MAX);
  }

  /** Worked out once a second: it walks through some ten thousand counts. */
  #top(nowS: number): RouteStatistics[] {
    if (this.#topRoutesOfS !== nowS) {
      this.#topRoutesOfS = nowS;
      this.#topRoutes = this.#routes.top(nowS, ROUTES_SHOWN);
    }
    return this.#topRoutes;
  }
}
