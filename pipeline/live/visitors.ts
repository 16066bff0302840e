import type { Accumulator } from "../measures/measure.ts";
import { DistinctSketch } from "../sketches/distinct-sketch.ts";
import {
  FIVE_MINUTES_S,
  isInWindow,
  lastLiveSecond,
  type LivePart,
  type LiveState,
} from "./live-part.ts";

const GRANULE_S = 10;
const GRANULES = FIVE_MINUTES_S / GRANULE_S + 1;

/** Counts distinct visitors, approximately. */
export class Visitors implements Accumulator {
  readonly sketch = new DistinctSketch();
  /** Visitors that the store counted exactly, without a sketch. Not mergeable. */
  counted = 0;

  get size(): number {
    return this.sketch.estimate() + this.counted;
  }

  merge(other: Visitors): void {
    this.sketch.merge(other.sketch);
    this.counted += other.counted;
  }
}

/** Visitors of the last five minutes, in granules of some seconds. */
export class VisitorGranules implements LiveState<Visitors> {
  readonly #granules = Array.from({ length: GRANULES }, () => ({
    number: -1,
    sketch: new DistinctSketch(),
  }));

  /** `numbers` has triples of a second's index, a visitor's hash, requests. */
  merge({ numbers }: LivePart, seconds: Uint32Array, nowS: number): void {
    for (let i = 0; i < numbers.length; i += 3) {
      const second = seconds[numbers[i]!]!;
      if (isInWindow(second, nowS, FIVE_MINUTES_S)) {
        this.#sketchOf(second, nowS)?.add(numbers[i + 1]!);
      }
    }
  }

  mergeSketch(sketch: Uint8Array, { second, nowS }: { second: number; nowS: number }): void {
    this.#sketchOf(second, nowS)?.mergeBytes(sketch);
  }

  counted(nowS: number): Visitors {
    const all = new Visitors();
    const oldest = Math.floor((nowS - FIVE_MINUTES_S) / GRANULE_S);
    const newest = newestGranule(nowS);
    for (const { number, sketch } of this.#granules) {
      if (number > oldest && number <= newest) all.sketch.merge(sketch);
    }
    return all;
  }

  /** The sketch of a second; undefined if it is too old. */
  #sketchOf(second: number, nowS: number): DistinctSketch | undefined {
    const number = Math.floor(second / GRANULE_S);
    const granule = this.#granules[number % GRANULES]!;
    if (granule.number > number && granule.number <= newestGranule(nowS)) return undefined;
    if (granule.number !== number) {
      granule.number = number;
      granule.sketch = new DistinctSketch();
    }
    return granule.sketch;
  }
}

const newestGranule = (nowS: number): number => Math.floor(lastLiveSecond(nowS) / GRANULE_S);
