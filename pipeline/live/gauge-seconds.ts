import { Gauge } from "../sketches/gauge.ts";
import { isInWindow, type LivePart, type LiveState, MINUTE_WINDOW_S } from "./live-part.ts";

/** A power of two above the seconds of a minute, so that the slot of a second is computed by a mask. */
const SECONDS = 128;
/** Numbers of a part for each second: its index, then the gauge's count, lastMs, last, min, max and sum. */
const GAUGE_NUMBERS = 7;

/** A gauge of the last minute, by second. */
export class GaugeSeconds implements LiveState<Gauge> {
  readonly #seconds: { second: number; gauge: Gauge }[] = Array.from({ length: SECONDS }, () => ({
    second: -1,
    gauge: new Gauge(),
  }));

  merge({ numbers }: LivePart, seconds: Uint32Array, nowS: number): void {
    for (let i = 0; i < numbers.length; i += GAUGE_NUMBERS) {
      const second = seconds[numbers[i]!]!;
      if (!isInWindow(second, nowS, MINUTE_WINDOW_S)) continue;
      this.#at(second).mergeValues({
        count: numbers[i + 1]!,
        lastMs: numbers[i + 2]!,
        last: numbers[i + 3]!,
        min: numbers[i + 4]!,
        max: numbers[i + 5]!,
        sum: numbers[i + 6]!,
      });
    }
  }

  counted(nowS: number): Gauge {
    const all = new Gauge();
    for (const { second, gauge } of this.#seconds) {
      if (second >= nowS - MINUTE_WINDOW_S && second <= nowS) all.merge(gauge);
    }
    return all;
  }

  #at(second: number): Gauge {
    const slot = this.#seconds[second & (SECONDS - 1)]!;
    if (slot.second !== second) {
      slot.second = second;
      slot.gauge = new Gauge();
    }
    return slot.gauge;
  }
}
