import { setTimeout as delay } from "node:timers/promises";

import type { Chunk, ReadPositions } from "#collectors/source.ts";

import { parseNotification } from "./notification.ts";
import type { ObjectReader, Outcome } from "./object-reader.ts";
import type { ObjectRef } from "./object-ref.ts";
import type { QueueApi, QueueMessage } from "./queue-api.ts";
import { type HeldMessage, QueueMessages } from "./queue-messages.ts";
import type { ReadObjects } from "./read-objects.ts";
import type { S3Counts } from "./s3-counts.ts";

/** Messages whose objects are read and not stored yet. */
const MESSAGES_MAX = 1_000;
const CHECK_STORED_EVERY_MS = 500;
const COUNT_WAITING_EVERY_MS = 30_000;

type Deps = {
  queue: QueueApi;
  reader: ObjectReader;
  /** The objects that were read. */
  among: ReadObjects;
  counts: S3Counts;
  /** Messages are hidden for so long at a time. */
  visibilitySeconds: number;
  /** Whether notifications of this object are followed; the others are deleted. */
  isOfInterest(ref: ObjectRef): boolean;
};

/** The objects that the messages of a queue announce. */
export class AnnouncedObjects {
  readonly #deps: Deps;
  readonly #messages: QueueMessages;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#messages = new QueueMessages(deps.queue);
  }

  /**
   * Receives some messages, and reads their objects.
   * @throws AppError if the queue or S3 cannot be used
   */
  async *turn(waitSeconds: number, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    const { queue, reader, among, visibilitySeconds } = this.#deps;
    while (this.#messages.count >= MESSAGES_MAX && !signal.aborted) {
      await delay(CHECK_STORED_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    if (signal.aborted) return;
    const received = await queue
      .receive({ waitSeconds, visibilitySeconds }, signal)
      .catch((error: unknown) => {
        if (signal.aborted) return [];
        throw error;
      });
    const jobs = received.flatMap((message) => {
      const refs = this.#objectsIn(message);
      const held = refs && this.#messages.hold(message, refs.length);
      return (refs ?? []).map((ref) => ({ ref, among, message: held }));
    });
    for await (const item of reader.read(jobs, signal)) {
      if ("chunk" in item) yield item.chunk;
      else settle(item.ended.message, item.outcome);
    }
  }

  /** Deletes the messages of which everything is stored. */
  async removeStored(positions: ReadPositions): Promise<void> {
    if (this.#messages.count > 0) await this.#messages.removeStored(await positions());
  }

  /** Deletes messages, and keeps the others hidden, until the signal aborts. */
  async keep(positions: ReadPositions, signal: AbortSignal): Promise<void> {
    const { counts, queue, visibilitySeconds } = this.#deps;
    const hideEveryMs = (visibilitySeconds * 1_000) / 3;
    let hiddenMs = performance.now();
    let countedMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const nowMs = performance.now();
      try {
        await this.removeStored(positions);
        if (nowMs - hiddenMs >= hideEveryMs) {
          await this.#messages.keepHidden(visibilitySeconds);
          hiddenMs = nowMs;
        }
        counts.queueProblem = undefined;
      } catch (error) {
        counts.queueProblem = error instanceof Error ? error.message : String(error);
      }
      if (nowMs - countedMs >= COUNT_WAITING_EVERY_MS) {
        counts.waiting = await queue.waiting();
        countedMs = nowMs;
      }
      await delay(CHECK_STORED_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The objects that are to be read; undefined if the message is not understood, and therefore left in the queue. */
  #objectsIn({ body }: QueueMessage): ObjectRef[] | undefined {
    const notification = parseNotification(body);
    if (notification.is === "refused") {
      this.#deps.counts.refuse("a message", notification.reason);
      return undefined;
    }
    if (notification.is === "other") return [];
    return notification.objects.filter((ref) => this.#deps.isOfInterest(ref));
  }
}

function settle(message: HeldMessage | undefined, outcome: Outcome): void {
  if (outcome.is === "done") message?.wasRead(outcome.isStored);
  else message?.leave();
}
