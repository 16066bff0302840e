import { DATASETS_MAX } from "#pipeline/datasets.ts";
import type { EventReader } from "#pipeline/store/port.ts";

import type { Datasets } from "../domain/normalise.ts";

const READ_EVERY_MS = 10_000;
/** Accepted events are stored within seconds; after this time their dataset was removed, or they were not stored. */
const ACCEPTED_MS = 10 * 60_000;

type Stores = { get(): Promise<Pick<EventReader, "extents">> };

/** The datasets of the store and of accepted events, so that senders cannot create more than the maximum. */
export class DatasetRoom {
  readonly #stores: Stores;
  #stored: ReadonlySet<string> = new Set();
  /** Names that the store did not have, with the time at which an event was accepted. */
  readonly #accepted = new Map<string, number>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(stores: Stores) {
    this.#stores = stores;
  }

  /** Waits for the store only at first: events are also accepted while it cannot be read. */
  async at(nowMs: number): Promise<Datasets> {
    const isFirst = this.#readAtMs === Number.NEGATIVE_INFINITY;
    // Absolute, because the clock may have been set back.
    if (!this.#reading && Math.abs(nowMs - this.#readAtMs) >= READ_EVERY_MS)
      this.#reading = this.#read(nowMs);
    if (isFirst) await this.#reading;
    return {
      admits: (name) => this.#isKnown(name) || this.#size < DATASETS_MAX,
      add: (name) => {
        if (!this.#stored.has(name)) this.#accepted.set(name, nowMs);
      },
    };
  }

  get #size(): number {
    return this.#stored.size + this.#accepted.size;
  }

  #isKnown(name: string): boolean {
    return this.#stored.has(name) || this.#accepted.has(name);
  }

  async #read(nowMs: number): Promise<void> {
    try {
      const extents = await (await this.#stores.get()).extents();
      this.#stored = new Set(extents.map(({ dataset }) => dataset));
      for (const [name, acceptedMs] of this.#accepted) {
        const isOver = Math.abs(nowMs - acceptedMs) > ACCEPTED_MS;
        if (isOver || this.#stored.has(name)) this.#accepted.delete(name);
      }
    } catch {
      // The health check of the store reports it; the indexer applies the limit too.
    }
    this.#readAtMs = nowMs;
    this.#reading = undefined;
  }
}
