import { Sum } from "../measures/sum.ts";
import {
  AHEAD_SECONDS_MAX,
  LIVE_SECONDS,
  type LivePart,
  type LiveState,
  MINUTE_WINDOW_S,
} from "./live-part.ts";

/** A power of two above the seconds of an hour, so that the slot of a second is computed by a mask. */
const SECONDS = 4096;

/** One count for each second of the last hour. */
export class SecondCounts implements LiveState<Sum> {
  readonly #stamps = new Uint32Array(SECONDS);
  readonly #counts = new Uint32Array(SECONDS);

  /** `numbers` has the count of each second. */
  merge({ numbers }: LivePart, seconds: Uint32Array, nowS: number): void {
    for (let i = 0; i < seconds.length; i += 1) {
      const second = seconds[i]!;
      const count = numbers[i] ?? 0;
      if (count === 0 || second <= nowS - LIVE_SECONDS || second > nowS + AHEAD_SECONDS_MAX)
        continue;
      const slot = second & (SECONDS - 1);
      if (this.#stamps[slot] !== second) {
        this.#stamps[slot] = second;
        this.#counts[slot] = 0;
      }
      this.#counts[slot]! += count;
    }
  }

  at(second: number): number {
    const slot = second & (SECONDS - 1);
    return this.#stamps[slot] === second ? this.#counts[slot]! : 0;
  }

  /** The sum of the last `lengthS` seconds, including this one. */
  sum(nowS: number, lengthS: number): number {
    let sum = 0;
    for (let second = nowS - lengthS + 1; second <= nowS; second += 1) sum += this.at(second);
    return sum;
  }

  /** The minute before this second, and the elapsed part of this one. */
  counted(nowS: number): Sum {
    const counted = new Sum();
    counted.value = this.sum(nowS, MINUTE_WINDOW_S + 1);
    return counted;
  }
}

/** The live state of measures that are counts, which frames have for each second. */
export const liveCounts = (): SecondCounts => new SecondCounts();
