import { AHEAD_SECONDS_MAX, LIVE_SECONDS } from "../live/live-part.ts";

type LiveDataset = { dataset: number; seconds: number[] };

/** Numbers the live seconds of each dataset. */
export class LiveSlots {
  readonly nowS: number;
  readonly datasets: LiveDataset[] = [];
  /** Index of a slot's dataset in `datasets`, and of its second in the dataset's `seconds`, by slot. */
  readonly datasetOf: number[] = [];
  readonly secondOf: number[] = [];
  readonly #slots = new Map<number, number>();
  #lastKey = -1;
  #lastSlot = 0;

  constructor(nowS: number) {
    this.nowS = nowS;
  }

  isLive(second: number): boolean {
    return second > this.nowS - LIVE_SECONDS && second <= this.nowS + AHEAD_SECONDS_MAX;
  }

  slotOf(dataset: number, second: number): number {
    const key = dataset * 2 ** 32 + second;
    if (key !== this.#lastKey) {
      this.#lastSlot = this.#slots.get(key) ?? this.#newSlot(key, dataset, second);
      this.#lastKey = key;
    }
    return this.#lastSlot;
  }

  #newSlot(key: number, dataset: number, second: number): number {
    let index = this.datasets.findIndex((known) => known.dataset === dataset);
    if (index < 0) index = this.datasets.push({ dataset, seconds: [] }) - 1;
    this.secondOf.push(this.datasets[index]!.seconds.push(second) - 1);
    const slot = this.datasetOf.push(index) - 1;
    this.#slots.set(key, slot);
    return slot;
  }
}
