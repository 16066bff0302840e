import * as fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";

import { ConnectionPool } from "./connection-pool.ts";

const NEVER = new AbortController().signal;

/** Work that is done when `finish` is called, and the order in which the works began. */
function recorder() {
  const begun: string[] = [];
  const finish = new Map<string, () => void>();
  const work = (name: string) => async (): Promise<string> => {
    begun.push(name);
    await new Promise<void>((resolve) => finish.set(name, resolve));
    return name;
  };
  return { begun, work, finish: (name: string) => finish.get(name)?.() };
}

/** Lets promises settle. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("waiting askers take turns, so that one with many questions does not delay the others", async () => {
  const pool = new ConnectionPool(["a"]);
  const { begun, work, finish } = recorder();
  const use = (asker: string, name: string): Promise<string> =>
    pool.use({ asker, signal: NEVER }, work(name));
  const all = ["m1", "m2", "m3", "m4"].map((name) => use("many", name));
  all.push(use("one", "o1"), use("other", "x1"), use("one", "o2"));
  for (const name of ["m1", "m2", "o1", "x1", "m3", "o2", "m4"]) {
    await settled();
    finish(name);
  }
  await Promise.all(all);
  expect(begun).toEqual(["m1", "m2", "o1", "x1", "m3", "o2", "m4"]);
});

test("the asker that used connections least lately is next, whatever waits for longer", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const pool = new ConnectionPool(["a"]);
  const { begun, work, finish } = recorder();
  const use = (asker: string, name: string): Promise<string> =>
    pool.use({ asker, signal: NEVER }, work(name));
  const end = async (name: string, afterMs: number): Promise<void> => {
    await settled();
    vi.advanceTimersByTime(afterMs);
    finish(name);
  };
  const all = ["m1", "m2", "m3"].map((name) => use("many", name));
  all.push(...["b1", "b2", "b3"].map((name) => use("board", name)));
  await end("m1", 500);
  for (const name of ["b1", "b2", "b3", "m2", "m3"]) await end(name, 100);
  await Promise.all(all);
  expect(begun).toEqual(["m1", "b1", "b2", "b3", "m2", "m3"]);
  // After a while it is forgotten who used more.
  vi.advanceTimersByTime(60_000);
  const later = [use("many", "m4"), use("many", "m5"), use("board", "b4"), use("many", "m6")];
  for (const name of ["m4", "m5", "b4", "m6"]) await end(name, 0);
  await Promise.all(later);
  expect(begun.slice(6)).toEqual(["m4", "m5", "b4", "m6"]);
});

test("a named asker leaves a connection to others, which need not wait for it", async () => {
  const pool = new ConnectionPool(["a", "b"], 1);
  const { begun, work, finish } = recorder();
  const use = (asker: string | undefined, name: string): Promise<string> =>
    pool.use({ asker, signal: NEVER }, work(name));
  const first = [use("many", "m1"), use("many", "m2")];
  await settled();
  expect(begun).toEqual(["m1"]);
  const other = use("one", "o1");
  await settled();
  expect(begun).toEqual(["m1", "o1"]);
  finish("m1");
  await settled();
  expect(begun).toEqual(["m1", "o1", "m2"]);
  for (const name of ["m2", "o1"]) finish(name);
  await Promise.all([...first, other]);
  expect(pool.idle).toHaveLength(2);
});

test("a question that ends while it waits is removed and rejected with the reason", async () => {
  const pool = new ConnectionPool(["a"]);
  const { begun, work, finish } = recorder();
  const running = pool.use({ asker: "m", signal: NEVER }, work("running"));
  const leaving = new AbortController();
  const left = pool.use({ asker: "m", signal: leaving.signal }, work("left"));
  const next = pool.use({ asker: "m", signal: NEVER }, work("next"));
  leaving.abort(new Error("no longer awaited"));
  await expect(left).rejects.toThrow("no longer awaited");
  finish("running");
  await settled();
  finish("next");
  expect(await Promise.all([running, next])).toEqual(["running", "next"]);
  expect(begun).toEqual(["running", "next"]);
});

test("work that waits for all connections gives back those it has when its question ends", async () => {
  const pool = new ConnectionPool(["a", "b"]);
  const { begun, work, finish } = recorder();
  const running = pool.use({ asker: "m", signal: NEVER }, work("running"));
  const leaving = new AbortController();
  const left = pool.useAll({ asker: "m", signal: leaving.signal }, work("left"));
  const next = pool.useAll({ asker: "n", signal: NEVER }, work("next"));
  await settled();
  expect(pool.idle).toEqual([]);
  leaving.abort(new Error("no longer awaited"));
  await expect(left).rejects.toThrow("no longer awaited");
  finish("running");
  await settled();
  finish("next");
  expect(await Promise.all([running, next])).toEqual(["running", "next"]);
  expect([begun, pool.idle.length]).toEqual([["running", "next"], 2]);
});

test("every question gets a connection or is rejected, and no connection is lost", async () => {
  const question = fc.record({
    asker: fc.constantFrom(undefined, "a", "b", "c"),
    leaves: fc.boolean(),
    fails: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(question, { maxLength: 30 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      async (questions, size, perAsker) => {
        const pool = new ConnectionPool([...Array.from({ length: size }).keys()], perAsker);
        const used = { now: 0, most: 0 };
        const settling = questions.map(async ({ asker, leaves, fails }) => {
          const leaving = new AbortController();
          const done = pool.use({ asker, signal: leaving.signal }, async () => {
            used.now += 1;
            used.most = Math.max(used.most, used.now);
            await settled();
            used.now -= 1;
            if (fails) throw new Error("failed");
          });
          if (leaves) leaving.abort(new Error("left"));
          return done.catch(() => undefined);
        });
        await Promise.all(settling);
        expect(used.most).toBeLessThanOrEqual(size);
        expect(pool.idle.toSorted((a, b) => a - b)).toEqual([
          ...Array.from({ length: size }).keys(),
        ]);
      },
    ),
  );
});
