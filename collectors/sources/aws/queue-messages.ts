import type { Positions } from "#collectors/source.ts";

import { BATCH_MAX, type QueueApi, type QueueMessage } from "./queue-api.ts";
import type { StoredCheck } from "./read-objects.ts";

/** A message in work. */
type Held = {
  receipt: string;
  /** Of the objects that it announces, those that are not read yet. */
  unread: number;
  /** Of those that were read. */
  checks: StoredCheck[];
  /** Since when it is hidden, by `performance.now()`. */
  hiddenMs: number;
};

/** Requests at a time. */
const REQUESTS_MAX = 8;
/** A message is hidden again after this share of the time for which it is hidden. */
const HIDDEN_AGAIN = 1 / 2;

/** A message in work, for whoever reads its objects. */
export type HeldMessage = {
  /** An object of it was read to its end. */
  wasRead(isStored: StoredCheck): void;
  /** Something of it cannot be read now: it is left in the queue, which hands it out again or sets it aside. */
  leave(): void;
};

/**
 * The messages that were received and not deleted: they are hidden from other readers while their objects are read,
 * and deleted when everything that was read is stored.
 */
export class QueueMessages {
  readonly #api: Pick<QueueApi, "hide" | "remove">;
  readonly #held = new Set<Held>();

  constructor(api: Pick<QueueApi, "hide" | "remove">) {
    this.#api = api;
  }

  get count(): number {
    return this.#held.size;
  }

  hold({ receipt }: Pick<QueueMessage, "receipt">, objects: number): HeldMessage {
    const held: Held = { receipt, unread: objects, checks: [], hiddenMs: performance.now() };
    this.#held.add(held);
    return {
      wasRead: (isStored) => {
        held.unread -= 1;
        held.checks.push(isStored);
      },
      leave: () => void this.#held.delete(held),
    };
  }

  /** Deletes the messages of which everything is stored. If that fails, they are deleted next time. */
  async removeStored(positions: Positions): Promise<void> {
    const done = [...this.#held].filter(
      ({ unread, checks }) => unread === 0 && checks.every((isStored) => isStored(positions)),
    );
    await eachAtATime(batches(done), async (batch) => {
      const removed = new Set(await this.#api.remove(batch.map(({ receipt }) => receipt)));
      for (const held of batch) if (removed.has(held.receipt)) this.#held.delete(held);
    });
  }

  /** Hides for this time from now on those that are hidden for less than half of it; to be called more often. */
  async keepHidden(visibilitySeconds: number): Promise<void> {
    const nowMs = performance.now();
    const before = nowMs - visibilitySeconds * 1_000 * HIDDEN_AGAIN;
    const due = [...this.#held].filter(({ hiddenMs }) => hiddenMs <= before);
    await eachAtATime(batches(due), async (batch) => {
      await this.#api.hide(
        batch.map(({ receipt }) => receipt),
        visibilitySeconds,
      );
      for (const held of batch) held.hiddenMs = nowMs;
    });
  }
}

/** Does it for each item, for some of them at a time. */
async function eachAtATime<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const next = items.values();
  const worker = async (): Promise<void> => {
    for (const item of next) await act(item);
  };
  await Promise.all(Array.from({ length: Math.min(items.length, REQUESTS_MAX) }, worker));
}

function batches<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / BATCH_MAX);
  return Array.from({ length: count }, (_, i) => items.slice(i * BATCH_MAX, (i + 1) * BATCH_MAX));
}
