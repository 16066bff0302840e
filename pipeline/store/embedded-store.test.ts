import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { systemClock } from "#platform/clock.ts";

import { DistinctSketch } from "../sketches/distinct-sketch.ts";
import { mergeSketches } from "../sketches/merge-sketches.ts";
import { batchOf, cell, positionsAt, T0, testEventStore } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "quarterdeck it's [a] store-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe("the embedded store fulfils the contract", () => {
  testEventStore(async () => {
    const path = await folder();
    return () => openEmbeddedStore({ folder: path, clock: systemClock });
  });
});

test("small segments are merged into fewer", async () => {
  await using store = await openEmbeddedStore({ folder: await folder(), clock: systemClock });
  for (let i = 0; i < 40; i += 1) await store.append(batchOf([{}]), [], positionsAt(i));
  expect((await store.status()).segments).toBe(40);
  expect(await store.compact()).toBe(true);
  while (await store.compact());
  expect((await store.status()).segments).toBeLessThan(40);
});

test("sketches that exceed the memory limit together are merged", async () => {
  const path = await folder();
  await using store = await openEmbeddedStore({
    folder: path,
    clock: systemClock,
    memoryLimitMb: 100,
  });
  const minutes = Array.from({ length: 4_000 }, (_, i) => T0 / 1000 + i * 60);
  for (let i = 0; i < 8; i += 1) {
    const sketch = new DistinctSketch();
    for (let visitor = 0; visitor < 200; visitor += 1) sketch.add(1 + visitor * (i + 1));
    const cells = minutes.map((t) => ({
      ...cell({ measure: "users" }),
      t,
      sketch: sketch.toBytes(),
    }));
    await store.append(batchOf([{}]), cells, positionsAt(i));
  }
  const requested = {
    fromMs: T0,
    toMs: T0 + 4_000 * 60_000,
    stepMs: 60_000,
    levelS: 60,
    measures: ["users"],
  } as const;
  const visitors = async (): Promise<Map<number, number>> => {
    const found = await store.cells(requested);
    return new Map(
      found.map(({ tMs, sketches }) => [
        tMs,
        DistinctSketch.fromBytes(mergeSketches(sketches)).estimate(),
      ]),
    );
  };
  const before = await visitors();
  expect(before.size).toBe(4_000);
  expect(await store.compact()).toBe(true);
  expect(await store.status()).toMatchObject({ segments: 1, problems: [] });
  expect(await visitors()).toEqual(before);
});
