import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { systemClock } from "#platform/clock.ts";

import { positionsAt, T0 } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";

const ROWS = 131_072;
const SEGMENTS = 5;
const STEP_MS = 60_000;
const statusOf = (row: number): number => (row % 10 === 0 ? 404 : 200);

/** One event per ms; every thousandth has no time. */
function fill(batch: Batch, segment: number): void {
  batch.reset();
  for (let i = 0; i < ROWS; i += 1) {
    const row = segment * ROWS + i;
    if (segment === 1 && i % 1_000 === 0) batch.number("@timestamp").put(i, Number.NaN);
    else batch.number("@timestamp").put(i, T0 + row);
    batch.number("log.offset").put(i, row);
    batch.number("http.response.status_code").put(i, statusOf(row));
    batch.text("log.source.id").putText(i, "src_a");
    batch.text("data_stream.dataset").putText(i, "nginx.access");
    batch.text("url.path").putText(i, `/${row % 300}`);
    batch.commit();
  }
}

/** The rows of the events in [from, to). */
const rowsIn = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i).filter(
    (row) => Math.floor(row / ROWS) !== 1 || (row % ROWS) % 1_000 !== 0,
  );

test("a range over many events counts those of whole files and of files at its ends exactly", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-range-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await using store = await openEmbeddedStore({ folder, clock: systemClock });
  const batch = new Batch(ROWS);
  for (let segment = 0; segment < SEGMENTS; segment += 1) {
    fill(batch, segment);
    await store.append(batch, [], positionsAt((segment + 1) * ROWS));
  }
  for (const [from, to] of [
    [1, SEGMENTS * ROWS - 1],
    [0, SEGMENTS * ROWS],
    [ROWS - 10, SEGMENTS * ROWS - 7],
  ] as const) {
    const rows = rowsIn(from, to);
    const range = { fromMs: T0 + from, toMs: T0 + to, where: [] };
    const count = { ...range, aggregate: { kind: "count" } } as const;
    expect((await store.aggregate(count))[0]?.value).toBe(rows.length);

    const by = { field: "http.response.status_code", limit: 10 };
    const steps = await store.aggregate({ ...count, stepMs: STEP_MS, by });
    const expected = Map.groupBy(rows, (row) => `${Math.floor(row / STEP_MS)} ${statusOf(row)}`);
    const counted = steps.map(
      ({ tMs, by: status, value }) =>
        [`${(tMs - T0) / STEP_MS} ${status}`, value] satisfies [string, number],
    );
    expect(new Map(counted)).toEqual(
      new Map([...expected].map(([key, { length }]) => [key, length])),
    );

    const many = await store.aggregate({
      ...count,
      stepMs: STEP_MS,
      by: { field: "url.path", limit: 2 },
    });
    expect(new Set(many.map(({ by: path }) => path)).size).toBe(2);

    const facets = await store.facets({ ...range, fields: [by.field], limit: 5 });
    expect(facets.get(by.field)?.map(({ count: events }) => events)).toEqual(
      [200, 404].map((status) => rows.filter((row) => statusOf(row) === status).length),
    );
  }
});
