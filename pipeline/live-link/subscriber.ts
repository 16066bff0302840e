import { isDeepStrictEqual } from "node:util";

import type { Clock } from "#platform/clock.ts";
import { assertNever } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

import type { Filter } from "../filter.ts";
import type { Sealed } from "../ingest/ingest-deps.ts";
import type { FrameDelta } from "../live/live-part.ts";
import { LiveWindow } from "../live/live-window.ts";
import type { EventDocument } from "../store/port.ts";
import { type ControlEnd, type FromIndexer, type IndexerStatus, NO_STATUS } from "./messages.ts";

/**
 * Rows that are sealed while the store is read may be counted twice or not at all, so it is read again. The result of
 * the last attempt is used with a warning; the next rebuild corrects it, or the hour ends.
 */
const STORE_READS_MAX = 3;
export type TailListener = (events: EventDocument[], skipped: number) => void;

export type LiveSubscriberDeps = {
  clock: Clock;
  log: Log;
  /** Fills a live window with the last hour in the store. */
  warmUp(live: LiveWindow): Promise<void>;
  /** Called when the live window has new events. */
  onFrames(): void;
  /** Called when an indexer has stored rows. */
  onSealed(sealed: Sealed): void;
  /** Called when the live window was rebuilt, because the store may have more rows than were announced. */
  onRenewed(): void;
};

type Indexer = {
  channel: ControlEnd;
  /** Frames of rows that the indexer has not sealed, which the store therefore does not have. */
  unsealed: FrameDelta[];
  /** Whether the store may have had rows of `unsealed` when it was last read: then the next seal requires a read. */
  isUncertain: boolean;
  /** Undefined until the first status is received. */
  status: IndexerStatus | undefined;
};

/**
 * The live data of a control plane, from all connected indexers: frames are merged, and tails and status are combined.
 * If frames were missed, because an indexer connected late or was too fast, the live window is rebuilt.
 *
 * Each row is counted once, as the window is always what the store has sealed plus `unsealed` of every indexer: a frame
 * is added to both the window and `unsealed`; a seal empties `unsealed`, as its rows are in the store now; `begin`
 * replaces it; and an indexer that disconnects takes its `unsealed` with it, as the next one reads these rows again.
 * The store has rows shortly before their seal is received. If it was read then, they are counted twice, until it is read
 * again after the seal.
 */
export class LiveSubscriber {
  readonly #deps: LiveSubscriberDeps;
  readonly #indexers = new Set<Indexer>();
  #watched: readonly string[] = [];
  readonly #tails = new Map<string, { filter: Filter; listener: TailListener }>();
  #live: LiveWindow;
  #lastStatus = NO_STATUS;
  #nextTailId = 0;
  /** Number of events that make a read of the store in progress inexact. */
  #storeChanges = 0;
  #rebuilding: Promise<void> | undefined;
  /** Whether the rebuild must be followed by one after the next seals. Not if it is that one itself. */
  #mustConfirm = false;

  private constructor(deps: LiveSubscriberDeps) {
    this.#deps = deps;
    this.#live = new LiveWindow(deps.clock);
  }

  /** Resolves when the last hour is warmed up from the store. If it cannot be read, the live window begins empty. */
  static async open(deps: LiveSubscriberDeps): Promise<LiveSubscriber> {
    const subscriber = new LiveSubscriber(deps);
    await deps.warmUp(subscriber.#live).catch((error: unknown) => subscriber.#warn(error));
    return subscriber;
  }

  get live(): LiveWindow {
    return this.#live;
  }

  /** The status of all connected indexers, otherwise of the last one. */
  status(): IndexerStatus & { indexers: number } {
    const all = [...this.#indexers].flatMap(({ status }) => status ?? []);
    const known = all.length > 0 ? all : [this.#lastStatus];
    const sum = (count: (status: IndexerStatus) => number): number =>
      known.reduce((total, status) => total + count(status), 0);
    return {
      indexers: all.length,
      lines: sum(({ lines }) => lines),
      quarantined: sum(({ quarantined }) => quarantined),
      dropped: summedByName(known.map(({ dropped }) => dropped)),
      redacted: summedByName(known.map(({ redacted }) => redacted)),
      sources: known.flatMap(({ sources }) => sources),
      activities: known.flatMap(({ activities }) => activities),
      lastLines: known.flatMap(({ lastLines }) => lastLines),
      storeError: known.find(({ storeError }) => storeError !== null)?.storeError ?? null,
      busError: known.find(({ busError }) => busError !== null)?.busError ?? null,
      storeProblems: known.flatMap(({ storeProblems }) => storeProblems),
      storeFailures: sum(({ storeFailures }) => storeFailures),
      upkeepFailures: sum(({ upkeepFailures }) => upkeepFailures),
    };
  }

  attach(channel: ControlEnd): void {
    const indexer: Indexer = { channel, unsealed: [], isUncertain: false, status: undefined };
    this.#indexers.add(indexer);
    channel.onMessage((message) => this.#onMessage(indexer, message));
    this.#sendTails(channel);
    channel.post({ type: "watched", sources: [...this.#watched] });
    void channel.closed.then(() => this.#detach(indexer));
  }

  /** Passes new matching events to the listener until the returned function is called. */
  tail(filter: Filter, listener: TailListener): () => void {
    this.#nextTailId += 1;
    const id = String(this.#nextTailId);
    this.#tails.set(id, { filter, listener });
    this.#sendAllTails();
    return () => {
      this.#tails.delete(id);
      this.#sendAllTails();
    };
  }

  /** Changes the sources whose last lines are in the status. */
  watchSources(sources: readonly string[]): void {
    if (isDeepStrictEqual(sources, this.#watched)) return;
    this.#watched = sources;
    for (const { channel } of this.#indexers) {
      channel.post({ type: "watched", sources: [...sources] });
    }
  }

  /** Resolves when the live window is up to date with the store. */
  async settled(): Promise<void> {
    await this.#rebuilding;
  }

  #onMessage(indexer: Indexer, message: FromIndexer): void {
    switch (message.type) {
      case "begin":
        return this.#onBegin(indexer, message);
      case "frames":
        indexer.unsealed.push(...message.deltas);
        for (const delta of message.deltas) this.#live.merge(delta);
        return this.#deps.onFrames();
      case "sealed":
        return this.#onSealed(indexer, message);
      case "status":
        indexer.status = message;
        return;
      case "tail":
        return this.#tails.get(message.id)?.listener(message.events, message.skipped);
      default:
        return assertNever(message);
    }
  }

  #onBegin(indexer: Indexer, message: Extract<FromIndexer, { type: "begin" }>): void {
    const { unsealed, sealed, framesDropped } = message;
    // It begins again without a loss of frames if only other messages were dropped.
    const wereMerged = indexer.unsealed.length > 0;
    indexer.unsealed = [...unsealed];
    if (framesDropped > 0) {
      this.#deps.log.warn("live frames of the indexer were missed: they are read from the store", {
        frames: framesDropped,
      });
    }
    // An indexer that has sealed nothing begins after what the store had when the window was made.
    if (sealed || framesDropped > 0 || wereMerged) this.#rebuildWindow();
    else {
      for (const delta of unsealed) this.#live.merge(delta);
      indexer.isUncertain = unsealed.length > 0;
    }
  }

  #onSealed(indexer: Indexer, { rows, historyRows }: Sealed): void {
    indexer.unsealed = [];
    this.#storeChanges += 1;
    if (indexer.isUncertain) this.#startRebuild();
    indexer.isUncertain = false;
    this.#deps.onSealed({ rows, historyRows });
  }

  #detach(indexer: Indexer): void {
    this.#indexers.delete(indexer);
    this.#lastStatus = indexer.status ?? this.#lastStatus;
    if (indexer.unsealed.length > 0) this.#rebuildWindow();
  }

  #rebuildWindow(): void {
    this.#mustConfirm = true;
    this.#startRebuild();
  }

  #startRebuild(): void {
    this.#storeChanges += 1;
    this.#rebuilding ??= this.#readStore()
      .catch((error: unknown) => this.#warn(error))
      .finally(() => {
        this.#rebuilding = undefined;
      });
  }

  #warn(error: unknown): void {
    this.#deps.log.warn("live numbers cannot be read from the store", { error });
  }

  async #readStore(): Promise<void> {
    for (let reads = 1; ; reads += 1) {
      const before = this.#storeChanges;
      const live = new LiveWindow(this.#deps.clock);
      await this.#deps.warmUp(live);
      // No await from here on: a frame that arrives must be merged once, so either with `unsealed` or when it arrives.
      const isExact = this.#storeChanges === before;
      if (!isExact && reads < STORE_READS_MAX) continue;
      if (!isExact) {
        this.#deps.log.warn("live numbers of the last hour may be inexact", {
          reason: `the store changed during each of ${reads} reads`,
        });
      }
      for (const indexer of this.#indexers) {
        for (const delta of indexer.unsealed) live.merge(delta);
        if (this.#mustConfirm && indexer.unsealed.length > 0) indexer.isUncertain = true;
      }
      this.#mustConfirm = false;
      this.#live = live;
      this.#deps.onRenewed();
      return;
    }
  }

  #sendAllTails(): void {
    for (const { channel } of this.#indexers) this.#sendTails(channel);
  }

  #sendTails(channel: ControlEnd): void {
    const tails = [...this.#tails].map(([id, { filter }]) => ({ id, filter }));
    channel.post({ type: "tails", tails });
  }
}

function summedByName(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}
