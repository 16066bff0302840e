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
};

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
    const held: Held = { receipt, unread: objects, checks: [] };
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
    for (const batch of batches(done)) {
      const removed = new Set(await this.#api.remove(batch.map(({ receipt }) => receipt)));
      for (const held of batch) if (removed.has(held.receipt)) this.#held.delete(held);
    }
  }

  /** Hides them for this time from now on; to be called more often. */
  async keepHidden(visibilitySeconds: number): Promise<void> {
    for (const batch of batches([...this.#held])) {
      await this.#api.hide(
        batch.map(({ receipt }) => receipt),
        visibilitySeconds,
      );
    }
  }
}

function batches<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / BATCH_MAX);
  return Array.from({ length: count }, (_, i) => items.slice(i * BATCH_MAX, (i + 1) * BATCH_MAX));
}
