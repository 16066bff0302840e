import { BUCKET_MIN, BUCKETS, LatencySketch } from "../sketches/latency-sketch.ts";
import { isInWindow, type LivePart, type LiveState, MINUTE_WINDOW_S } from "./live-part.ts";

/** A power of two above the seconds of a minute, so that the slot of a second is computed by a mask. */
const SECONDS = 128;

/** Response times of the last minute, by second. */
export class LatencySeconds implements LiveState<LatencySketch> {
  readonly #stamps = new Float64Array(SECONDS).fill(-1);
  readonly #counts = new Uint32Array(SECONDS * BUCKETS);

  /** `numbers` has triples of a second's index, bucket − BUCKET_MIN, requests. */
  merge({ numbers }: LivePart, seconds: Uint32Array, nowS: number): void {
    for (let i = 0; i < numbers.length; i += 3) {
      const second = seconds[numbers[i]!]!;
      if (isInWindow(second, nowS, MINUTE_WINDOW_S)) {
        this.#add(second, numbers[i + 1]!, numbers[i + 2]!);
      }
    }
  }

  counted(nowS: number): LatencySketch {
    const totals = new Float64Array(BUCKETS);
    for (let second = nowS - MINUTE_WINDOW_S; second <= nowS; second += 1) {
      const slot = second & (SECONDS - 1);
      if (this.#stamps[slot] !== second) continue;
      const at = slot * BUCKETS;
      for (let i = 0; i < BUCKETS; i += 1) totals[i]! += this.#counts[at + i]!;
    }
    const sketch = new LatencySketch();
    for (let i = 0; i < BUCKETS; i += 1) sketch.addBucket(i + BUCKET_MIN, totals[i]!);
    return sketch;
  }

  #add(second: number, bucket: number, requests: number): void {
    const slot = second & (SECONDS - 1);
    const at = slot * BUCKETS;
    if (this.#stamps[slot] !== second) {
      this.#stamps[slot] = second;
      this.#counts.fill(0, at, at + BUCKETS);
    }
    if (bucket < BUCKETS) this.#counts[at + bucket]! += requests;
  }
}
