import type { Filter } from "#pipeline/filter.ts";
import type { EventDocument } from "#pipeline/store/port.ts";

import type { Indexer } from "./indexer/indexer.ts";

export type TailListener = (events: EventDocument[], skipped: number) => void;

/** Who follows new events. Viewers with the same filter are told apart by an id of their own. */
export class Tails {
  indexer: Indexer | undefined;
  readonly #listeners = new Map<string, { filter: Filter; listener: TailListener }>();
  #nextId = 0;

  add(filter: Filter, listener: TailListener): () => void {
    this.#nextId += 1;
    const id = String(this.#nextId);
    this.#listeners.set(id, { filter, listener });
    this.#tell();
    return () => {
      this.#listeners.delete(id);
      this.#tell();
    };
  }

  deliver(id: string, events: EventDocument[], skipped: number): void {
    this.#listeners.get(id)?.listener(events, skipped);
  }

  #tell(): void {
    this.indexer?.setTails([...this.#listeners].map(([id, { filter }]) => ({ id, filter })));
  }
}
