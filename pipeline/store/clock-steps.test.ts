import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { batchOf, positionsAt } from "./contract.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import type { EventStore } from "./port.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 4, 17, 12);

/** Opens stores on one folder, with a clock that the test sets, and a monotonic one that it advances. */
async function openStores() {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-clock-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const clock = { now: START_MS, nowMs: () => clock.now };
  const monotonic = { now: 0 };
  const open = () => openEmbeddedStore({ folder, clock, monotonicMs: () => monotonic.now });
  const files = async () => (await readdir(join(folder, "events"))).length;
  return { folder, clock, monotonic, open, files };
}

/** Events of the last `days` days, one a day, each in its own file. */
async function appendDays(store: EventStore, days: number): Promise<void> {
  for (let i = 0; i < days; i += 1) {
    const batch = batchOf([{ "@timestamp": START_MS - i * DAY_MS, "log.offset": i }]);
    await store.append(batch, [], positionsAt(i));
  }
}

test("a start with a clock 400 days ahead deletes nothing, reports it, and all goes on when the clock is right", async () => {
  const { clock, monotonic, open } = await openStores();
  const expireAll = async (store: EventStore): Promise<number> => {
    while (await store.expire(clock.now));
    return (await store.status()).rows;
  };
  {
    await using store = await open();
    await store.setRetention(new Map([["nginx.access", 30]]));
    await appendDays(store, 20);
    expect(await expireAll(store)).toBe(20);
  }
  clock.now += 400 * DAY_MS;
  {
    await using store = await open();
    for (let hour = 0; hour < 20; hour += 1) {
      expect(await expireAll(store)).toBe(20);
      clock.now += HOUR_MS;
      monotonic.now += HOUR_MS;
    }
    const [problem] = (await store.status()).problems;
    expect(problem?.kind).toBe("clock");
    expect(problem?.message).toContain("400 days ahead of 2026-05-17");
  }
  clock.now -= 400 * DAY_MS;
  await using store = await open();
  expect(await expireAll(store)).toBe(20);
  expect((await store.status()).problems).toEqual([]);
  for (let day = 0; day < 15; day += 1) {
    clock.now += DAY_MS;
    for (let part = 0; part < 4; part += 1) {
      monotonic.now += 20 * 60_000;
      await expireAll(store);
    }
  }
  expect(await expireAll(store)).toBe(15);
});

test("events that expired over a weekend without the program are no problem, and are deleted within hours", async () => {
  const { clock, monotonic, open } = await openStores();
  {
    await using store = await open();
    await store.setRetention(new Map([["nginx.access", 30]]));
    await appendDays(store, 31);
  }
  clock.now += 2.5 * DAY_MS;
  await using store = await open();
  expect(await store.expire(clock.now)).toBeUndefined();
  expect((await store.status()).problems).toEqual([]);
  for (let part = 0; part < 9; part += 1) {
    clock.now += 20 * 60_000;
    monotonic.now += 20 * 60_000;
    while (await store.expire(clock.now));
  }
  expect((await store.status()).rows).toBe(28);
});

test("a store of an earlier version does not believe a clock that is 400 days ahead of its events", async () => {
  const { folder, clock, open } = await openStores();
  {
    await using store = await open();
    await appendDays(store, 20);
    // An event with a wrong time.
    const odd = batchOf([{ "@timestamp": START_MS + 400 * DAY_MS, "log.offset": 99 }]);
    await store.append(odd, [], positionsAt(99));
    await store.setRetention(new Map([["nginx.access", 30]]));
  }
  await rm(join(folder, "retention-time.json"));
  clock.now += 400 * DAY_MS;
  await using store = await open();
  while (await store.expire(clock.now));
  expect((await store.status()).rows).toBe(21);
});

test("replaced files are deleted after the clock was set back by 400 days", async () => {
  const { clock, monotonic, open, files } = await openStores();
  clock.now += 400 * DAY_MS;
  await using store = await open();
  await appendDays(store, 8);
  expect(await store.compact()).toBe(true);
  clock.now -= 400 * DAY_MS;
  await store.compact();
  expect(await files()).toBe(9);
  monotonic.now += 61_000;
  await store.compact();
  expect(await files()).toBe(1);
  expect((await store.status()).rows).toBe(8);
});

test("events stored after the clock was set back are newer than those before: positions continue", async () => {
  const { clock, open } = await openStores();
  clock.now += 400 * DAY_MS;
  {
    await using store = await open();
    await store.append(batchOf([{}]), [], positionsAt(1));
  }
  clock.now -= 400 * DAY_MS;
  await using store = await open();
  await store.append(batchOf([{ "log.offset": 2 }]), [], positionsAt(2));
  const [position] = (await store.positions()).values();
  expect(position).toEqual({ offset: 2 });
});
