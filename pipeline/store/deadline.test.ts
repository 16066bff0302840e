import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import { batchOf, cell, positionsAt, T0 } from "./contract.ts";
import { Duck, type Work } from "./duck.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import type { EventStore } from "./port.ts";
import { type Question, Questions, storeClosed } from "./questions.ts";

/** Would take hours. */
const ENDLESS = "SELECT sum(hash(range)) FROM range(1000000000000)";
const ENDLESS_ROWS = "SELECT hash(range) FROM range(1000000000000)";
const WORKS: readonly Work[] = ["quick", "searches"];

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-deadline-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const openDuck = async (): Promise<Duck> => {
  const folder = await newFolder();
  const duck = new Duck({ folder, temporary: folder, memoryLimitMb: 100, threads: 2 });
  // The time that opening takes does not count.
  await duck.rows("SELECT 1");
  return duck;
};

const endless = (duck: Duck, work: Work) => (question: Question) =>
  duck.rows(ENDLESS, [], { work, question });

test.each(WORKS)(
  "a statement of %s ends at the time limit, running or waiting, and the connection is usable",
  async (work) => {
    await using duck = await openDuck();
    const short = new Questions(100);
    const running = [1, 2].map(() => short.run({}, endless(duck, work)));
    for (const result of await Promise.allSettled(running)) {
      expect(result).toMatchObject({
        reason: {
          code: "unavailable",
          message: expect.stringContaining("took longer than 0.1 s"),
          waitMs: expect.any(Number),
        },
      });
    }
    const leaving = new AbortController();
    const asking = { signal: leaving.signal };
    const busy = [1, 2].map(() => new Questions().run(asking, endless(duck, work)));
    const waiting = [1, 2, 3].map(() => short.run({}, endless(duck, work)));
    for (const result of await Promise.allSettled(waiting)) {
      const message = expect.stringContaining("could not start within 0.1 s");
      expect(result).toMatchObject({ reason: { code: "unavailable", message } });
    }
    leaving.abort();
    await Promise.allSettled(busy);
    const answers = [1, 2, 3].map(() =>
      new Questions().run({}, (question) => duck.rows("SELECT 1", [], { work, question })),
    );
    expect(await Promise.all(answers)).toEqual([[[1]], [[1]], [[1]]]);
  },
);

test("a stream is interrupted, and its partial result is not taken for a complete one", async () => {
  await using duck = await openDuck();
  const leaving = new AbortController();
  const reading = new Questions().run({ signal: leaving.signal }, (question) => {
    const take = (): boolean => {
      leaving.abort();
      return true;
    };
    return duck.read(ENDLESS_ROWS, take, { work: "quick", question });
  });
  await expect(reading).rejects.toThrow(/reader disconnected/);
  expect(await duck.rows("SELECT 1")).toEqual([[1]]);
});

test("quick reads and maintenance do not wait for searches, nor one asker for the searches of another", async () => {
  await using duck = await openDuck();
  const questions = new Questions();
  const searches = Array.from({ length: 20 }, () =>
    questions.run({ asker: "attacker" }, endless(duck, "searches")).catch(String),
  );
  const read = (work: Work, asker: string) =>
    questions.run({ asker }, (question) => duck.rows("SELECT 1", [], { work, question }));
  expect(await read("quick", "attacker")).toEqual([[1]]);
  expect(await read("searches", "other")).toEqual([[1]]);
  expect(await duck.rows("SELECT 1")).toEqual([[1]]);
  questions.close();
  expect(await Promise.all(searches)).toEqual(searches.map(() => String(storeClosed())));
});

test("DuckDB keeps no copies of files in memory", async () => {
  await using duck = await openDuck();
  const setting = "SELECT current_setting('enable_external_file_cache')";
  expect(await duck.rows(setting)).toEqual([[false]]);
});

test("closing ends statements of every kind", async () => {
  const duck = await openDuck();
  const ending = new AbortController();
  const begun: Promise<void>[] = [];
  const question = (): Question => {
    const { promise, resolve } = Promise.withResolvers<void>();
    begun.push(promise);
    return { signal: ending.signal, asker: undefined, started: resolve };
  };
  const ended = [
    ...WORKS.map((work) => duck.rows(ENDLESS, [], { work, question: question() })),
    ...WORKS.map((work) => duck.read(ENDLESS_ROWS, () => true, { work, question: question() })),
    duck.rows(ENDLESS),
    duck.rows(ENDLESS),
  ].map((running) => running.then(() => "answered", String));
  await Promise.all(begun);
  ending.abort(storeClosed());
  await duck[Symbol.asyncDispose]();
  expect(new Set(await Promise.all(ended))).toEqual(new Set([String(storeClosed())]));
});

const LONG_PATH = `/${"a".repeat(8_000)}`;

/** 16,000 events that a search through their texts reads completely. */
async function filledStore(options: { questionMsMax?: number } = {}): Promise<EventStore> {
  const store = await openEmbeddedStore({
    folder: await newFolder(),
    clock: systemClock,
    ...options,
  });
  const rows = Array.from({ length: 4_000 }, (_, i) => ({ "url.path": `${LONG_PATH}${i}` }));
  for (let i = 0; i < 4; i += 1) await store.append(batchOf(rows), [cell({})], positionsAt(i));
  return store;
}

const ALL = { fromMs: T0, toMs: T0 + 86_400_000 };
const HOSTILE = [{ field: "url.path", op: "like", value: "*a_*a*a*a*a*b" }] as const;

test(
  "a search that takes too long ends with what to do, and boards answer meanwhile",
  { timeout: 60_000 },
  async () => {
    await using store = await filledStore({ questionMsMax: 2_000 });
    const searches = Array.from({ length: 20 }, () =>
      store.search({ ...ALL, where: HOSTILE, limit: 100, asker: "attacker" }),
    );
    const results = Promise.allSettled(searches);
    const cells = await store.cells({ ...ALL, levelS: 60, measures: ["requests"] });
    expect(cells).toHaveLength(1);
    const counted = await store.aggregate({
      fromMs: T0,
      toMs: T0 + 60_000,
      where: [],
      aggregate: { kind: "count" },
      asker: "attacker",
    });
    expect(counted[0]?.value).toBe(240);
    for (const result of await results) {
      if (result.status === "fulfilled") continue;
      expect(result.reason).toBeInstanceOf(AppError);
      expect(String(result.reason)).toMatch(/choose a shorter range or add a filter|try again/);
    }
  },
);

test(
  "an aborted search frees the engine, and closing waits for none",
  { timeout: 60_000 },
  async () => {
    const store = await filledStore();
    const leaving = new AbortController();
    const search = (signal?: AbortSignal) =>
      store
        .search({ ...ALL, where: HOSTILE, limit: 100, ...(signal ? { signal } : {}) })
        .then(() => "answered", String);
    const left = Array.from({ length: 20 }, () => search(leaving.signal));
    // Answered when the searches are in progress.
    await store.cells({ ...ALL, levelS: 60, measures: ["requests"] });
    leaving.abort();
    expect((await Promise.all(left)).join()).toContain("reader disconnected");
    expect(await store.search({ ...ALL, where: [], limit: 1 })).toHaveLength(1);
    const open = Array.from({ length: 20 }, () => search());
    // Answered when the searches are in progress.
    await store.cells({ ...ALL, levelS: 60, measures: ["requests"] });
    await store[Symbol.asyncDispose]();
    expect(new Set(await Promise.all(open))).toContain(String(storeClosed()));
    expect(await search()).toBe(String(storeClosed()));
  },
);
