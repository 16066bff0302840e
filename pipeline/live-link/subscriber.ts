import type { Clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";

import type { Filter } from "../filter.ts";
import type { FrameDelta } from "../live/live-part.ts";
import { LiveWindow } from "../live/live-window.ts";
import type { EventDocument } from "../store/port.ts";
import type { ControlEnd, FromIndexer, IndexerStatus, Sealed } from "./messages.ts";

/** Rows that are sealed while the store is read may be counted or not: then it is read again, so many times. */
const READS_MAX = 3;
const NO_STATUS: IndexerStatus = { lines: 0, quarantined: 0, sources: [], storeError: null };

export type TailListener = (events: EventDocument[], skipped: number) => void;

export type LiveSubscriberDeps = {
  clock: Clock;
  log: Log;
  /** Fills a live window with what the store has of the last hour. */
  warmUp(live: LiveWindow): Promise<void>;
  /** An indexer has stored rows. */
  onSealed(sealed: Sealed): void;
  /** The live window was made anew, because there may be more in the store than was announced. */
  onRenewed(): void;
};

type Indexer = {
  channel: ControlEnd;
  /** Frames of rows that it has not sealed. */
  unsealed: FrameDelta[];
  /** Undefined until it has told. */
  status: IndexerStatus | undefined;
};

/**
 * What a control plane knows live, from all indexers that are connected: frames are merged, tails and status joined.
 * Where frames are missed, because an indexer was connected late or was too fast, the live window is made anew from the
 * store and the frames that are not in it yet.
 */
export class LiveSubscriber {
  readonly #deps: LiveSubscriberDeps;
  readonly #indexers = new Set<Indexer>();
  readonly #tails = new Map<string, { filter: Filter; listener: TailListener }>();
  #live: LiveWindow;
  #lastStatus = NO_STATUS;
  #nextTailId = 0;
  /** Counts what makes a reading of the store that is under way incomplete. */
  #changes = 0;
  #renewing: Promise<void> | undefined;

  private constructor(deps: LiveSubscriberDeps) {
    this.#deps = deps;
    this.#live = new LiveWindow(deps.clock);
  }

  /** Resolves when the last hour is warmed up from the store. */
  static async open(deps: LiveSubscriberDeps): Promise<LiveSubscriber> {
    const subscriber = new LiveSubscriber(deps);
    await deps.warmUp(subscriber.#live);
    return subscriber;
  }

  get live(): LiveWindow {
    return this.#live;
  }

  /** Of all indexers that are connected, else of the last one that was. */
  status(): IndexerStatus & { indexers: number } {
    const all = [...this.#indexers].flatMap(({ status }) => status ?? []);
    const known = all.length > 0 ? all : [this.#lastStatus];
    return {
      indexers: all.length,
      lines: sum(known.map(({ lines }) => lines)),
      quarantined: sum(known.map(({ quarantined }) => quarantined)),
      sources: known.flatMap(({ sources }) => sources),
      storeError: known.find(({ storeError }) => storeError !== null)?.storeError ?? null,
    };
  }

  attach(channel: ControlEnd): void {
    const indexer: Indexer = { channel, unsealed: [], status: undefined };
    this.#indexers.add(indexer);
    channel.onMessage((message) => this.#take(indexer, message));
    this.#sendTails(channel);
    void channel.closed.then(() => this.#detach(indexer));
  }

  /** Hands new matching events to the listener until the returned function is called. */
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

  /** Resolves when the live window is up to date with the store. */
  async settled(): Promise<void> {
    await this.#renewing;
  }

  #take(indexer: Indexer, message: FromIndexer): void {
    if (message.type === "frames") {
      indexer.unsealed.push(...message.deltas);
      for (const delta of message.deltas) this.#live.merge(delta);
    } else if (message.type === "sealed") {
      indexer.unsealed = [];
      this.#changes += 1;
      this.#deps.onSealed(message);
    } else if (message.type === "status") this.#takeStatus(indexer, message);
    else if (message.type === "tail") {
      this.#tails.get(message.id)?.listener(message.events, message.skipped);
    } else this.#begin(indexer, message);
  }

  #begin(indexer: Indexer, message: Extract<FromIndexer, { type: "begin" }>): void {
    const { unsealed, sealed, framesDropped } = message;
    indexer.unsealed = [...unsealed];
    if (framesDropped > 0) {
      this.#deps.log.warn("live frames of the indexer were missed: they are read from the store", {
        frames: framesDropped,
      });
    }
    // An indexer that has sealed nothing begins after what the store had when the window was made.
    if (sealed || framesDropped > 0) this.#renew();
    else for (const delta of unsealed) this.#live.merge(delta);
  }

  #takeStatus(indexer: Indexer, status: IndexerStatus): void {
    const { storeError } = status;
    if (storeError !== null && storeError !== indexer.status?.storeError) {
      this.#deps.log.error("events cannot be stored; reading waits and nothing is lost", {
        error: storeError,
      });
    }
    indexer.status = status;
  }

  #detach(indexer: Indexer): void {
    this.#indexers.delete(indexer);
    this.#lastStatus = indexer.status ?? this.#lastStatus;
    // What it had not sealed is read again, by the next one.
    if (indexer.unsealed.length > 0) this.#renew();
  }

  #renew(): void {
    this.#changes += 1;
    this.#renewing ??= this.#readStore()
      .catch((error: unknown) =>
        this.#deps.log.warn("live numbers cannot be read from the store", { error }),
      )
      .finally(() => {
        this.#renewing = undefined;
      });
  }

  async #readStore(): Promise<void> {
    for (let reads = 1; ; reads += 1) {
      const before = this.#changes;
      const live = new LiveWindow(this.#deps.clock);
      await this.#deps.warmUp(live);
      if (this.#changes !== before && reads < READS_MAX) continue;
      for (const { unsealed } of this.#indexers) for (const delta of unsealed) live.merge(delta);
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

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
