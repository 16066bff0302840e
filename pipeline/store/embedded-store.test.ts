import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { systemClock } from "#platform/clock.ts";

import { batchOf, positionsAt, testEventStore } from "./contract.ts";
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
