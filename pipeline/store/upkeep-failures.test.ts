import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { batchOf, positionsAt } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";

const SEGMENTS = 10;

test("a failed merge is a problem, is repeated less and less often, and is forgotten when it succeeds", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck upkeep "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const clock = { now: Date.UTC(2026, 4, 17), nowMs: () => clock.now };
  await using store = await openEmbeddedStore({ folder, clock });
  for (let i = 0; i < SEGMENTS; i += 1) {
    await store.append(batchOf([{}]), [], positionsAt(i));
  }
  const scratch = join(folder, "tmp");
  await rename(scratch, `${scratch}.away`);
  await writeFile(scratch, "a file where a folder should be");
  const failuresAfter = async (waitedMs: number): Promise<number> => {
    clock.now += waitedMs;
    expect(await store.compact()).toBe(false);
    return (await store.status()).upkeepFailures;
  };
  const failures = [];
  for (const waitedMs of [0, 4_999, 1, 9_999, 1, 19_999, 1]) {
    failures.push(await failuresAfter(waitedMs));
  }
  expect(failures).toEqual([1, 1, 2, 2, 3, 3, 4]);
  const { problems } = await store.status();
  expect(problems).toMatchObject([
    { kind: "upkeep", message: expect.stringContaining("cannot be merged: ") },
  ]);
  await rm(scratch);
  await rename(`${scratch}.away`, scratch);
  clock.now += 40_000;
  expect(await store.compact()).toBe(true);
  expect(await store.status()).toMatchObject({ segments: 1, problems: [], upkeepFailures: 4 });
});
