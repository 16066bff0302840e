import * as fc from "fast-check";
import { expect, test } from "vitest";

import { GelfChunks } from "./gelf-chunks.ts";

const LIMITS = { ageMsMax: 5_000, messagesMax: 100, bytesMax: 100_000 };

function chunksOf(message: Uint8Array, count: number, id: number): Buffer[] {
  const start = (number: number): number => Math.floor((number * message.length) / count);
  return Array.from({ length: count }, (_, number) => {
    const header = Buffer.from([0x1e, 0x0f, 0, 0, 0, 0, 0, 0, 0, id, number, count]);
    return Buffer.concat([header, message.subarray(start(number), start(number + 1))]);
  });
}

const message = fc.uint8Array({ minLength: 128, maxLength: 600 });

test("messages are assembled, in whatever order their chunks arrive, and from whichever sender", () => {
  const count = fc.integer({ min: 1, max: 16 });
  const sent = fc.array(fc.record({ message, count }), { minLength: 1, maxLength: 8 });
  const shuffled = sent.chain((messages) => {
    const chunks = messages.flatMap((it, index) =>
      // Two senders use the same ids.
      chunksOf(it.message, it.count, index >> 1).map((chunk) => ({
        chunk,
        sender: `10.0.0.${index % 2}`,
      })),
    );
    const order = fc.shuffledSubarray(chunks, { minLength: chunks.length });
    return fc.record({ messages: fc.constant(messages), chunks: order });
  });
  fc.assert(
    fc.property(shuffled, ({ messages, chunks: all }) => {
      const chunks = new GelfChunks(LIMITS);
      const found = all.flatMap(
        ({ chunk, sender }) => chunks.add(chunk, sender, { nowMs: 0, offset: 0 }) ?? [],
      );
      const texts = (them: readonly Uint8Array[]): string[] =>
        them.map((it) => Buffer.from(it).toString("latin1")).toSorted();
      expect(texts(found)).toEqual(texts(messages.map((it) => it.message)));
      expect(chunks).toMatchObject({ heldBytes: 0, lost: 0, invalid: 0 });
    }),
  );
});

test("a chunk that arrives twice changes nothing", () => {
  const chunks = new GelfChunks(LIMITS);
  const [first, second] = chunksOf(Buffer.alloc(20, "x"), 2, 1);
  if (!first || !second) throw new Error("two chunks");
  const found = [first, first, second].map((chunk) =>
    chunks.add(chunk, "10.0.0.1", { nowMs: 0, offset: 0 }),
  );
  expect(found.map(String)).toEqual(["undefined", "undefined", "x".repeat(20)]);
});

test("whatever datagrams arrive, what is held is bounded", () => {
  const head = fc.constantFrom([0x1e, 0x0f], [0x1e], [], [0x7b]);
  const datagram = fc
    .tuple(head, fc.uint8Array({ maxLength: 60 }))
    .map(([first, rest]) => Buffer.from([...first, ...rest]));
  fc.assert(
    fc.property(fc.array(datagram, { maxLength: 60 }), (datagrams) => {
      const chunks = new GelfChunks({ ageMsMax: 5_000, messagesMax: 3, bytesMax: 100 });
      for (const it of datagrams) {
        chunks.add(it, "10.0.0.1", { nowMs: 0, offset: 0 });
        expect(chunks.heldBytes).toBeLessThanOrEqual(100);
      }
    }),
  );
});

test("a message whose chunks do not arrive in time is given up and counted", () => {
  const chunks = new GelfChunks(LIMITS);
  const [first, second] = chunksOf(Buffer.alloc(20, "x"), 2, 1);
  if (!first || !second) throw new Error("two chunks");
  expect(chunks.add(first, "10.0.0.1", { nowMs: 0, offset: 0 })).toBeUndefined();
  expect(chunks.add(second, "10.0.0.1", { nowMs: 5_001, offset: 0 })).toBeUndefined();
  expect(chunks.lost).toBe(1);
  chunks.expire(20_000);
  expect(chunks).toMatchObject({ lost: 2, heldBytes: 0 });
});

test("the oldest incomplete messages are given up when there are too many", () => {
  const chunks = new GelfChunks({ ...LIMITS, messagesMax: 2 });
  const messages = [1, 2, 3].map((id) => chunksOf(Buffer.alloc(20, `${id}`), 2, id));
  for (const [first] of messages) if (first) chunks.add(first, "10.0.0.1", { nowMs: 0, offset: 0 });
  expect(chunks.lost).toBe(1);
  const ends = messages
    .slice(1)
    .map(([, second]) => second && chunks.add(second, "10.0.0.1", { nowMs: 0, offset: 0 }));
  expect(ends.map(String)).toEqual(["2".repeat(20), "3".repeat(20)]);
});

test.each([
  ["number beyond the count", [0x1e, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 2, 2, 1]],
  ["no chunks", [0x1e, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 1]],
  ["129 chunks", [0x1e, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 0, 129, 1]],
  ["no content", [0x1e, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 0, 2]],
  ["the magic bytes only", [0x1e, 0x0f]],
])("a chunk with %s is invalid", (_name, bytes) => {
  const chunks = new GelfChunks(LIMITS);
  expect(chunks.add(Buffer.from(bytes), "10.0.0.1", { nowMs: 0, offset: 0 })).toBeUndefined();
  expect(chunks).toMatchObject({ invalid: 1, heldBytes: 0 });
});
