import type { Chunk, SourceId } from "#collectors/source.ts";

import { LineCounts } from "./line-counts.ts";
import { LogCounts } from "./log-counts.ts";
import { droppedNote } from "./recognition.ts";
import type { StoredFormats } from "./stored-formats.ts";

/** The numbers of events that rules dropped, of each stream; those of pushed lines of a source are counted together. */
export class DroppedCounts {
  readonly #logs = new LogCounts();
  readonly #pushed = new Map<SourceId, LineCounts>();

  /** Those of a new stream. */
  of({ sourceId, header }: Chunk, stored: StoredFormats): LineCounts {
    if (!header) return new LineCounts();
    let counts = this.#pushed.get(sourceId);
    if (!counts) {
      this.#pushed.set(sourceId, (counts = new LineCounts()));
      counts.restore(stored.decidedOf(sourceId).dropped);
    }
    return counts;
  }

  /** To be called for a new stream at a path, whose own counts were restored. */
  begin(path: string, dropped: LineCounts, stored: StoredFormats): void {
    this.#logs.begin(path, dropped, () => stored.droppedAt(path));
  }

  forget(dropped: LineCounts): void {
    this.#logs.forget(dropped);
  }

  /** Message for people about pushed lines; undefined if no rule dropped events. */
  get pushedNote(): string | undefined {
    const all = new LineCounts();
    for (const counts of this.#pushed.values()) all.addAll(counts);
    return droppedNote(all);
  }
}
