import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { systemClock } from "#platform/clock.ts";

import { batchOf, positionsAt, T0 } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import type { EventStore } from "./port.ts";

const LINE_BYTES = 10_000_000;
/** As in the control plane and the indexer. */
const MEMORY_MB = 192;
const ALL = { fromMs: 0, toMs: 4e12, where: [] };

async function openIn(
  memoryLimitMb: number,
  monotonicMs = () => performance.now(),
): Promise<EventStore> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-long-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return openEmbeddedStore({ folder, clock: systemClock, memoryLimitMb, monotonicMs });
}

/** Appends lines of 10 MB among short ones, six in a batch like those that fill one. */
async function appendLines(store: EventStore, lines: number): Promise<void> {
  for (let first = 0; first < lines; first += 6) {
    const numbers = Array.from({ length: Math.min(6, lines - first) }, (_, i) => first + i);
    const rows = numbers.flatMap((number) => {
      const text = `${number} ${"abcdefgh".repeat(LINE_BYTES / 8)}`;
      const at = { "@timestamp": T0 + number * 1_000, "log.offset": number * LINE_BYTES };
      return [
        { ...at, "event.original": text, message: text },
        { ...at, "event.original": "short", "log.offset": number * LINE_BYTES + LINE_BYTES - 10 },
      ];
    });
    await store.append(batchOf(rows), [], positionsAt(first));
  }
}

const searches = (store: EventStore): Promise<unknown[]>[] => [
  store.search({ ...ALL, limit: 100 }),
  store.search({
    ...ALL,
    where: [{ field: "*", op: "contains", value: "abcdefgha" }],
    limit: 100,
  }),
  store.search({ ...ALL, where: [{ field: "message", op: "like", value: "*a*b*c*z*" }], limit: 9 }),
];

test("12 lines of 10 MB are found within the memory limit, also by searches at the same time", async () => {
  await using store = await openIn(MEMORY_MB);
  await appendLines(store, 12);
  const found = await Promise.all([...searches(store), ...searches(store)]);
  expect(found.map((events) => events.length)).toEqual([24, 12, 0, 24, 12, 0]);
  const event = await store.event(`src_a:${11 * LINE_BYTES}`);
  expect(String(event?.fields["event.original"])).toHaveLength(LINE_BYTES + 3);
}, 120_000);

test("60 lines of 10 MB are merged within the memory limit, and found afterwards", async () => {
  await using store = await openIn(MEMORY_MB);
  await appendLines(store, 60);
  expect((await store.status()).segments).toBe(10);
  while (await store.compact());
  expect(await store.status()).toMatchObject({ segments: 1, rows: 120, problems: [] });
  const found = await Promise.all(searches(store));
  expect(found.map((events) => events.length)).toEqual([100, 60, 0]);
  const event = await store.event(`src_a:${59 * LINE_BYTES}`);
  expect(String(event?.fields["message"])).toHaveLength(LINE_BYTES + 3);
}, 120_000);

test("24 lines of 10 MB are rewritten within the memory limit, a few at a time", async () => {
  await using store = await openIn(MEMORY_MB);
  await appendLines(store, 24);
  while (await store.compact());
  let rowsMax = 0;
  const where = [{ field: "data_stream.dataset", op: "eq", value: "nginx.access" }] as const;
  await store.rewrite({ where }, (batch) => () => {
    rowsMax = Math.max(rowsMax, batch.rows);
    for (let row = 0; row < batch.rows; row += 1) {
      batch.text("data_stream.dataset").putText(row, "rewritten");
    }
    return { changed: batch.rows, cells: [] };
  });
  expect(rowsMax).toBeLessThanOrEqual(4);
  expect((await store.extents()).map(({ dataset, rows }) => [dataset, rows])).toEqual([
    ["rewritten", 48],
  ]);
  const event = await store.event(`src_a:${23 * LINE_BYTES}`);
  expect(String(event?.fields["message"])).toHaveLength(LINE_BYTES + 3);
  expect((await store.status()).problems).toEqual([]);
}, 120_000);

test("files that repeatedly cannot be merged within the memory limit are reported, and others are merged", async () => {
  let aheadMs = 0;
  await using store = await openIn(40, () => performance.now() + aheadMs);
  await appendLines(store, 48);
  while (await store.compact());
  expect((await store.status()).segments).toBe(8);
  // Once is no problem: the memory may have been used by questions.
  expect((await store.status()).problems).toEqual([]);
  aheadMs += 120_000;
  while (await store.compact());
  const left = await store.status();
  expect(left.segments).toBe(8);
  expect(left.problems).toMatchObject([
    { message: expect.stringContaining("8 files remain unmerged") },
  ]);
  expect(await store.compact()).toBe(false);
  for (let i = 0; i < 8; i += 1) await store.append(batchOf([{}]), [], positionsAt(100 + i));
  while (await store.compact());
  expect((await store.status()).segments).toBe(9);
  const nowMs = systemClock.nowMs();
  await store.confirmTime(nowMs);
  await store.setRetention(new Map([["nginx.access", 1]]));
  while (await store.expire(nowMs));
  await store.compact();
  expect((await store.status()).problems).toEqual([]);
}, 120_000);
