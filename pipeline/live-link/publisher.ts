import type { Batch } from "#collectors/batch.ts";
import type { Clock } from "#platform/clock.ts";

import type { Sealed } from "../ingest/ingest-deps.ts";
import type { FrameDelta } from "../live/live-part.ts";
import type { FromIndexer, IndexerEnd, IndexerStatus, TailRequest } from "./messages.ts";
import { tailRows } from "./tail-rows.ts";

/** Of one control plane. */
const WATCHED_MAX = 100;

type Subscriber = {
  channel: IndexerEnd;
  tails: TailRequest[];
  watched: readonly string[];
  /** Whether messages were dropped since it became congested. */
  isBehind: boolean;
  framesDropped: number;
};

/**
 * Publishes the live data of an indexer to the connected control planes. They cannot slow it down: a control plane
 * that does not keep up misses messages, and is sent a new `begin` when it has caught up.
 */
export class LivePublisher {
  readonly #clock: Clock;
  readonly #subscribers = new Set<Subscriber>();
  #unsealed: FrameDelta[] = [];
  #hasSealed = false;
  #status: IndexerStatus | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  attach(channel: IndexerEnd): void {
    const subscriber: Subscriber = {
      channel,
      tails: [],
      watched: [],
      isBehind: true,
      framesDropped: 0,
    };
    this.#subscribers.add(subscriber);
    void channel.closed.then(() => this.#subscribers.delete(subscriber));
    channel.onMessage((message) => {
      if (message.type === "tails") subscriber.tails = message.tails;
      else subscriber.watched = message.sources.slice(0, WATCHED_MAX);
    });
    this.#catchUp(subscriber);
    if (this.#status) this.#post(subscriber, { type: "status", ...this.#status });
  }

  frames(deltas: FrameDelta[]): void {
    if (deltas.length === 0) return;
    for (const subscriber of this.#subscribers) this.#post(subscriber, { type: "frames", deltas });
    this.#unsealed.push(...deltas);
  }

  /** Publishes complete rows; the batch is only read during the call. */
  rows(batch: Batch, fromRow: number, toRow: number): void {
    const requested = [...this.#subscribers].flatMap((subscriber) =>
      subscriber.tails.map((tail) => ({ subscriber, tail })),
    );
    if (requested.length === 0) return;
    const rows = { from: fromRow, to: toRow, nowMs: this.#clock.nowMs() };
    const found = tailRows(
      batch,
      rows,
      requested.map(({ tail }) => tail),
    );
    for (const [index, { subscriber }] of requested.entries()) {
      const tail = found[index];
      if (!tail || tail.events.length + tail.skipped === 0) continue;
      this.#post(subscriber, { type: "tail", ...tail });
    }
  }

  sealed(sealed: Sealed): void {
    for (const subscriber of this.#subscribers)
      this.#post(subscriber, { type: "sealed", ...sealed });
    this.#unsealed = [];
    this.#hasSealed = true;
  }

  /** The sources whose last lines a control plane wants. */
  watchedSources(): Set<string> {
    return new Set([...this.#subscribers].flatMap(({ watched }) => watched));
  }

  status(status: IndexerStatus): void {
    this.#status = status;
    for (const subscriber of this.#subscribers)
      this.#post(subscriber, { type: "status", ...status });
  }

  close(): void {
    for (const { channel } of this.#subscribers) channel.close();
  }

  #post(subscriber: Subscriber, message: FromIndexer): void {
    if (!this.#catchUp(subscriber)) {
      if (message.type === "frames") subscriber.framesDropped += 1;
      return;
    }
    subscriber.channel.post(message);
  }

  /** Whether the subscriber has received everything up to now, possibly by a new `begin`. */
  #catchUp(subscriber: Subscriber): boolean {
    const { channel, framesDropped } = subscriber;
    if (channel.isCongested) subscriber.isBehind = true;
    if (!subscriber.isBehind) return true;
    if (channel.isCongested) return false;
    channel.post({
      type: "begin",
      unsealed: this.#unsealed,
      sealed: this.#hasSealed,
      framesDropped,
    });
    subscriber.isBehind = false;
    subscriber.framesDropped = 0;
    return true;
  }
}
