import { setTimeout as delay } from "node:timers/promises";

import type { Chunk, ReadPositions } from "#collectors/source.ts";
import type { Clock } from "#platform/clock.ts";

import { type Message, parseMessage } from "./notification.ts";
import type { Job, ObjectReader, Outcome } from "./object-reader.ts";
import { contentIdOf } from "./object-ref.ts";
import { BATCH_MAX, type QueueApi, type QueueMessage } from "./queue-api.ts";
import { type HeldMessage, QueueMessages } from "./queue-messages.ts";
import type { ReadObjects } from "./read-objects.ts";
import { refusedEvent } from "./refused-event.ts";
import type { S3Counts } from "./s3-counts.ts";
import { wholeChunk } from "./whole-chunk.ts";

/** Messages whose objects are read and not stored yet. SQS hides at most 120,000. */
const MESSAGES_MAX = 10_000;
/** Requests for messages at a time, while the queue has more than one returns. */
const TURN_REQUESTS = 8;
const REFUSED_TEXT_CHARACTERS_MAX = 2_000;
const CHECK_STORED_EVERY_MS = 500;
const COUNT_WAITING_EVERY_MS = 30_000;

type Deps = {
  /** Of the queue, for people. */
  name: string;
  queue: QueueApi;
  reader: ObjectReader;
  /** The objects that were read. */
  among: ReadObjects;
  counts: S3Counts;
  clock: Clock;
  /** Messages are hidden for so long at a time. */
  visibilitySeconds: number;
  /** Whether notifications of this object are followed; the others are deleted. */
  isOfInterest(ref: Job["ref"]): boolean;
};

type MessageJob = Job & { message: HeldMessage };
/** A message that was received, and is hidden until its turn comes. */
type Received = { body: string; parsed: Message; held: HeldMessage };

/** The objects that the messages of a queue announce, and logs in messages. */
export class AnnouncedObjects {
  readonly #deps: Deps;
  readonly #messages: QueueMessages;
  /** Requested while the objects of others are read. */
  #ahead: Promise<Received[]> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#messages = new QueueMessages(deps.queue);
  }

  /**
   * Receives some messages, and reads their objects.
   * @throws AppError if the queue or S3 cannot be used
   */
  async *turn(waitSeconds: number, signal: AbortSignal): AsyncGenerator<Chunk, void> {
    while (this.#messages.count >= MESSAGES_MAX && !signal.aborted) {
      await delay(CHECK_STORED_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    if (signal.aborted) return;
    const received = await (this.#ahead ?? this.#receive(waitSeconds, signal));
    this.#ahead = received.length < BATCH_MAX ? undefined : this.#receive(0, signal);
    // A failure is that of the next turn.
    this.#ahead?.catch(() => undefined);
    const jobs: MessageJob[] = [];
    for (const message of received) yield* this.#take(message, jobs);
    for await (const item of this.#deps.reader.read(jobs, signal)) {
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
    let countedMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const nowMs = performance.now();
      try {
        await this.removeStored(positions);
        await this.#messages.keepHidden(visibilitySeconds);
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

  async #receive(waitSeconds: number, signal: AbortSignal): Promise<Received[]> {
    const { queue, visibilitySeconds } = this.#deps;
    const receive = async (seconds: number): Promise<Received[]> => {
      const times = { waitSeconds: seconds, visibilitySeconds };
      const messages = await queue.receive(times, signal).catch((error: unknown) => {
        if (signal.aborted) return [];
        throw error;
      });
      return messages.map((message) => this.#hold(message));
    };
    const first = await receive(waitSeconds);
    if (first.length < BATCH_MAX) return first;
    const more = await Promise.all(Array.from({ length: TURN_REQUESTS - 1 }, () => receive(0)));
    return [first, ...more].flat();
  }

  #hold(message: QueueMessage): Received {
    const { body } = message;
    const parsed = parseMessage(body);
    if (parsed.is !== "objects") {
      const parts = parsed.is === "other" ? 0 : 1;
      return { body, parsed, held: this.#messages.hold(message, parts) };
    }
    const objects = parsed.objects.filter(this.#deps.isOfInterest);
    const held = this.#messages.hold(message, objects.length);
    return { body, parsed: { ...parsed, objects }, held };
  }

  /** Adds the objects of the message to `jobs`. A message that is not understood is left in the queue. */
  *#take({ body, parsed, held }: Received, jobs: MessageJob[]): Generator<Chunk, void> {
    const { among, counts, clock } = this.#deps;
    if (parsed.is === "refused") {
      const { reason } = parsed;
      held.leave();
      counts.refuse("a message", reason);
      const text = body.slice(0, REFUSED_TEXT_CHARACTERS_MAX);
      const bytes = refusedEvent({ what: "message", reason, text }, clock.nowMs());
      yield* this.#once("refused message", body, { bytes, format: "ecs" });
      return;
    }
    if (parsed.is === "logs") {
      yield* this.#once("logs", parsed.lines, { bytes: parsed.lines });
      held.wasRead(among.storedCheck(contentIdOf("logs", parsed.lines)));
      counts.messages += 1;
      return;
    }
    if (parsed.is === "other") return;
    jobs.push(...parsed.objects.map((ref) => ({ ref, among, message: held })));
  }

  /** The lines, unless they were read before. */
  *#once(
    kind: string,
    content: string | Buffer,
    lines: { bytes: Buffer; format?: "ecs" },
  ): Generator<Chunk, void> {
    const { among, name } = this.#deps;
    const id = contentIdOf(kind, content);
    if (!among.has(id)) yield wholeChunk(among, id, { path: name, ...lines });
  }
}

function settle(message: HeldMessage, outcome: Outcome): void {
  if (outcome.is === "done") message.wasRead(outcome.isStored);
  else message.leave();
}
