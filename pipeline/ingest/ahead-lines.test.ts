import { expect, test } from "vitest";

import type { RecordHeader, Source } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";

import { DATASET_BYTES_MAX } from "../datasets.ts";
import { openMemoryStore } from "../store/memory-store.ts";
import { AheadLines } from "./ahead-lines.ts";
import type { Sealed } from "./ingest-deps.ts";
import { Ingest } from "./ingest.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Date.UTC(2026, 4, 17, 10, 20, 30);
const PATH = "/var/log/app.ndjson";

/** Reads a line at each of these times, and returns the status and what was sealed. */
async function ingested(times: readonly number[], header?: RecordHeader) {
  const clock = { now: NOW_MS, nowMs: () => clock.now };
  const lines = times.map((ms) => `{"@timestamp":"${new Date(ms).toISOString()}","message":"x"}\n`);
  const bytes = Buffer.from(lines.join(""));
  const source: Source = {
    async *read() {
      const chunk = { sourceId: "src_test", path: header ? "" : PATH, bytes, offset: 0 } as const;
      yield { ...chunk, position: { offset: 1 }, bytesSkipped: 0, ...(header ? { header } : {}) };
    },
  };
  const sealed: Sealed[] = [];
  const ingest = new Ingest({
    store: openMemoryStore()(),
    clock,
    rules: { signIn: [], signOut: [] },
    zone: UTC,
    sealAfterMs: 60_000,
    foldEveryMs: 1_000,
    onSealed: (one) => sealed.push(one),
  });
  await ingest.run(source, new AbortController().signal);
  const read = header ? [] : [{ path: PATH, message: "is read", level: "info" as const }];
  return { sealed, status: ingest.statusWith(read) };
}

const recent = Array.from({ length: 5 }, (_, i) => NOW_MS - i * 1_000);

test("lines ahead of the clock are counted in the status of their file, with how far they are ahead", async () => {
  const ahead = [NOW_MS + 20 * HOUR_MS, NOW_MS + 3 * HOUR_MS];
  const { status } = await ingested([...recent, ...ahead]);
  expect(status).toEqual([
    {
      path: PATH,
      level: "warning",
      datasets: { ecs: 7 },
      reason:
        "2 lines are up to 20 h in the future: the clock or the time zone of the host that wrote them may be wrong",
      message:
        "is read; events by dataset: ecs 7; 2 lines are up to 20 h in the future: the clock or the time zone of the host that wrote them may be wrong",
    },
  ]);
});

test("pushed lines ahead of the clock have a status too", async () => {
  const header = { format: "ecs", dataset: "shop", fields: {} };
  const { status } = await ingested([...recent, NOW_MS + 20 * HOUR_MS], header);
  expect(status).toMatchObject([{ path: "pushed events", level: "warning" }]);
  expect(status[0]?.message).toMatch(/^are received; 1 line is 20 h in the future/);
});

test("pushed events that are ahead of the clock and in too many datasets have one status with both", async () => {
  const long = "x".repeat(DATASET_BYTES_MAX + 1);
  const header = { format: "ecs", dataset: long, fields: {} };
  const { status } = await ingested([...recent, NOW_MS + 20 * HOUR_MS], header);
  expect(status).toHaveLength(1);
  expect(status[0]?.message).toMatch(
    /^are received; 1 line is 20 h .*; 6 events are in the dataset/,
  );
});

test("lines that are some seconds ahead are no warning and are not counted", async () => {
  const { status } = await ingested([...recent, NOW_MS + 30_000]);
  expect(status).toMatchObject([{ level: "info", message: "is read; events by dataset: ecs 6" }]);
  const { status: other } = await ingested([...recent, NOW_MS + 30_000, NOW_MS + 20 * HOUR_MS]);
  expect(other[0]?.message).toContain("; 1 line is 20 h in the future");
});

test("the warning ends when the clock has reached the lines", () => {
  const ahead = new AheadLines();
  const times = Float64Array.of(NOW_MS + 7 * 60_000, Number.NaN, NOW_MS + 20 * HOUR_MS);
  ahead.count(times, { from: 0, to: 2 }, NOW_MS);
  expect(ahead.note(NOW_MS)).toMatch(/^1 line is 7 min in the future/);
  expect(ahead.note(NOW_MS + 120_000)).toBeUndefined();
  ahead.count(times, { from: 2, to: 3 }, NOW_MS);
  expect(ahead.note(NOW_MS + 120_000)).toMatch(/^2 lines are up to 20 h/);
});

test("rows are history if they are not of the last minutes: also those ahead of the clock", async () => {
  const lastWeek = Array.from({ length: 100 }, (_, i) => NOW_MS - 7 * DAY_MS + i);
  const { sealed } = await ingested([...lastWeek, ...recent, NOW_MS + 20 * HOUR_MS]);
  expect(sealed).toEqual([{ rows: 106, historyRows: 101 }]);
});
