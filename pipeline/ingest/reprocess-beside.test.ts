import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openEmbeddedStore } from "../store/embedded-store.ts";
import { reprocess } from "./reprocess.ts";

const DEPS = { clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const ROWS = 50;
const SEGMENTS = 40;

/** Half of the lines can be parsed now. */
function quarantined(segment: number): Batch {
  const batch = new Batch(ROWS);
  for (let row = 0; row < ROWS; row += 1) {
    const n = segment * ROWS + row;
    const line = `203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /${n} HTTP/1.1" 200 5 "-" "P"`;
    batch.number("@timestamp").put(row, Date.UTC(2026, 2, 14));
    batch.text("data_stream.dataset").putText(row, "quarterdeck.quarantine");
    batch.text("event.original").putText(row, n % 2 === 0 ? line : `junk ${n}`);
    batch.text("log.source.id").putText(row, "src_a");
    batch.number("log.offset").put(row, n);
    batch.commit();
  }
  return batch;
}

test("while events are stored and files merged, quarantined lines become events once, and are counted once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-beside-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  await using other = await openEmbeddedStore({ folder, clock: systemClock });
  const append = (segment: number): Promise<void> =>
    store.append(quarantined(segment), [], new Map([["src_a", { offset: segment }]]));
  for (let i = 0; i < SEGMENTS / 2; i += 1) await append(i);
  const running = reprocess({ ...DEPS, store: other }, {});
  for (let i = SEGMENTS / 2; i < SEGMENTS; i += 1) {
    await append(i);
    await store.compact();
  }
  const first = await running;
  while (await store.compact()) continue;
  const second = await reprocess({ ...DEPS, store: other }, {});
  const parsed = (first.events.get("nginx.access") ?? 0) + (second.events.get("nginx.access") ?? 0);
  const rows = new Map((await store.extents()).map((it) => [it.dataset, it.rows]));
  expect(rows.get("nginx.access")).toBe((ROWS * SEGMENTS) / 2);
  expect(rows.get("quarterdeck.quarantine")).toBe((ROWS * SEGMENTS) / 2);
  const distinct = { kind: "distinct", fields: ["log.offset"] } as const;
  const [offsets] = await store.aggregate({ ...ALL, where: [], aggregate: distinct });
  expect(offsets?.value).toBe(ROWS * SEGMENTS);
  expect(parsed).toBe((ROWS * SEGMENTS) / 2);
});
