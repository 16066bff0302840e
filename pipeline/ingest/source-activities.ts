import type { Batch } from "#collectors/batch.ts";
import type { Chunk, Position, Positions, SourceId, SourceStatus } from "#collectors/source.ts";

import { LineCounts } from "./line-counts.ts";
import { Activity, type LastLine, lastLineOf, type SourceActivity } from "./source-activity.ts";
import {
  type StoredActivity,
  storedActivityIn,
  storedPushedIn,
  withPushed,
} from "./stored-formats.ts";
import type { Stream } from "./stream.ts";

/** More sources than that are not told apart; names of pushed lines come from tokens. */
const SOURCES_MAX = 10_000;
/** Of pushed events; those that were active last. They are stored with each batch. */
const STORED_PUSHED_MAX = 100;

/** What arrives from each source. */
export class SourceActivities {
  readonly #bySource = new Map<string, Activity>();
  #isRestored = false;

  /** Continues with the stored times, once. */
  restore(positions: Positions): void {
    if (this.#isRestored) return;
    this.#isRestored = true;
    for (const position of positions.values()) {
      const { source, activity } = storedActivityIn(position);
      if (source !== "") this.#of(source, false)?.restore(activity);
      for (const pushed of storedPushedIn(position)) {
        this.#of(pushed.source, true)?.restore(pushed.activity);
      }
    }
  }

  /** To be called when the rows from the stream's first one on are complete; `quarantined` of them are in quarantine. */
  add(batch: Batch, stream: Stream, about: { quarantined: number; nowMs: number }): void {
    const rows = batch.rows - stream.firstRow;
    const activity = rows > 0 ? this.#of(stream.source, stream.isPushed) : undefined;
    if (!activity) return;
    const eventMs = batch.number("@timestamp").values[batch.rows - 1] ?? Number.NaN;
    activity.add({ ...about, rows, eventMs });
    const bytes = lastLineOf(batch, stream.chunk);
    const format = stream.formats.main?.dataset;
    if (bytes) activity.last = { path: stream.path, bytes, format };
  }

  addBytes({ source }: Stream, { bytes }: Chunk): void {
    const activity = this.#bySource.get(source);
    if (activity) activity.bytes += bytes.length;
  }

  /** The source's times as text, to be stored with the position of the stream. */
  storedOf({ source }: Stream): string {
    return this.#bySource.get(source)?.stored ?? "";
  }

  /** Sources of pushed events have no positions of their own: one of those of the bus gets the times of all. */
  notePushed(streams: Iterable<Stream>, positions: Map<SourceId, Position>): void {
    for (const { id, isPushed } of streams) {
      const position = isPushed ? positions.get(id) : undefined;
      if (!position) continue;
      positions.set(id, withPushed(position, this.#pushed()));
      return;
    }
  }

  #pushed(): StoredActivity[] {
    return [...this.#bySource]
      .filter(([, { isPushed }]) => isPushed)
      .toSorted(([, a], [, b]) => b.arrivedMs - a.arrivedMs)
      .slice(0, STORED_PUSHED_MAX)
      .map(([source, { stored }]) => ({ source, activity: stored }));
  }

  lastLineOf(source: string): LastLine | undefined {
    return this.#bySource.get(source)?.last;
  }

  /** `streams`: all that are known, for the events by dataset. */
  reports(streams: Iterable<Stream>, nowMs: number): SourceActivity[] {
    const bySource = Map.groupBy(streams, ({ source }) => source);
    return [...this.#bySource].map(([source, activity]) => {
      const lines = new LineCounts();
      for (const stream of bySource.get(source) ?? []) lines.addAll(stream.lines);
      return { ...activity.report(source, nowMs), datasets: lines.datasets ?? {} };
    });
  }

  /** A status of each source of pushed lines, which no reader knows, unless there is one. */
  pushedStatuses(known: readonly SourceStatus[]): SourceStatus[] {
    const sources = new Set(known.map(({ source, path }) => source ?? path));
    return [...this.#bySource]
      .filter(([source, { isPushed }]) => isPushed && !sources.has(source))
      .map(([source]) => ({ path: source, source, level: "info", message: "are received" }));
  }

  #of(source: string, isPushed: boolean): Activity | undefined {
    const known = this.#bySource.get(source);
    if (known || this.#bySource.size >= SOURCES_MAX) return known;
    const activity = new Activity(isPushed);
    this.#bySource.set(source, activity);
    return activity;
  }
}
