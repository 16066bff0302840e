import { DistinctSketch } from "../live/distinct-sketch.ts";
import { LatencySketch } from "../live/latency-sketch.ts";

/** What has to be counted for a metric. Each can be read from the rollup and from the raw events. */
export type Component =
  | "requests"
  | "errors"
  | "latency"
  | "bytes"
  | "signIns"
  | "signOuts"
  | "users"
  | "instances"
  | "cache"
  | "events";

/** What was counted of some stretch of time. Stretches merge; ratios and quantiles are taken after that. */
export class Measures {
  requests = 0;
  errors = 0;
  bytes = 0;
  signIns = 0;
  signOuts = 0;
  events = 0;
  cacheHits = 0;
  cacheMisses = 0;
  readonly latency = new LatencySketch();
  readonly users = new DistinctSketch();
  /** Visitors that the store counted exactly, where there is no sketch of them. Not mergeable. */
  usersCounted = 0;
  readonly instances = new Set<string>();

  merge(other: Measures): void {
    this.requests += other.requests;
    this.errors += other.errors;
    this.bytes += other.bytes;
    this.signIns += other.signIns;
    this.signOuts += other.signOuts;
    this.events += other.events;
    this.cacheHits += other.cacheHits;
    this.cacheMisses += other.cacheMisses;
    this.latency.merge(other.latency);
    this.users.merge(other.users);
    this.usersCounted += other.usersCounted;
    for (const instance of other.instances) this.instances.add(instance);
  }

  /** How much there is of what was counted: what the series of a split are ordered by. */
  weight(): number {
    const { requests, errors, bytes, signIns, signOuts, events, cacheHits, cacheMisses } = this;
    const sums = [requests, errors, bytes, signIns + signOuts, events, cacheHits + cacheMisses];
    const users = this.usersCounted + this.users.estimate();
    return Math.max(...sums, this.latency.count, users, this.instances.size);
  }
}
