import { expect, test } from "vitest";

import { QueueMessages } from "./queue-messages.ts";

const HOUR = 3_600;

class Queue {
  readonly hidden: string[] = [];
  readonly removed: string[] = [];
  /** Requests that delete nothing. */
  failures = 0;
  batchMax = 0;

  async hide(receipts: readonly string[]): Promise<void> {
    this.batchMax = Math.max(this.batchMax, receipts.length);
    this.hidden.push(...receipts);
  }

  async remove(receipts: readonly string[]): Promise<string[]> {
    this.batchMax = Math.max(this.batchMax, receipts.length);
    this.failures -= 1;
    if (this.failures >= 0) return [];
    this.removed.push(...receipts);
    return [...receipts];
  }
}

test("messages are hidden again only after half of the time for which they are hidden", async () => {
  const queue = new Queue();
  const messages = new QueueMessages(queue);
  for (let n = 0; n < 25; n += 1) messages.hold({ receipt: `${n}` }, 1);
  await messages.keepHidden(HOUR);
  expect(queue.hidden).toEqual([]);
  await messages.keepHidden(0);
  expect(queue.hidden).toHaveLength(25);
  expect(queue.batchMax).toBe(10);
});

test("a message is deleted when all of its objects are stored, and again if that failed", async () => {
  const queue = new Queue();
  const messages = new QueueMessages(queue);
  let isStored = false;
  const held = Array.from({ length: 25 }, (_, n) => messages.hold({ receipt: `${n}` }, 2));
  for (const message of held) message.wasRead(() => true);
  await messages.removeStored(new Map());
  for (const message of held) message.wasRead(() => isStored);
  await messages.removeStored(new Map());
  expect(queue.removed).toEqual([]);
  isStored = true;
  held[0]?.leave();
  queue.failures = 1;
  await messages.removeStored(new Map());
  expect(queue.removed).toHaveLength(14);
  await messages.removeStored(new Map());
  expect(queue.removed.toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 24 }, (_, n) => `${n + 1}`),
  );
  expect([queue.batchMax, messages.count]).toEqual([10, 0]);
});
