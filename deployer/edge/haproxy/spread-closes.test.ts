import * as fc from "fast-check";
import { expect, test } from "vitest";

import { closesNow, spreadCloses } from "./spread-closes.ts";

test("any number of sessions is closed within the time, at most one more in a turn than in another", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5_000 }),
      fc.integer({ min: 0, max: 600 }),
      (all, turns) => {
        let open = all;
        const closes: number[] = [];
        for (let leftMs = turns * 200; leftMs > 0; leftMs -= 200) {
          closes.push(closesNow(open, leftMs));
          open -= closes.at(-1) ?? 0;
        }
        open -= closesNow(open, 0);
        expect(open).toBe(0);
        if (closes.length > 0)
          expect(Math.max(...closes) - Math.min(...closes)).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test("sessions that end by themselves, cannot be closed or cannot be listed do not stop it", async () => {
  const open = new Set([1, 2, 3, 4]);
  let lists = 0;
  let refused = 0;
  await spreadCloses({
    overMs: 600,
    signal: new AbortController().signal,
    open: async () => {
      lists += 1;
      if (lists === 2) throw new Error("cannot be reached");
      return [...open];
    },
    close: async (session) => {
      open.delete(4);
      refused += 1;
      if (refused === 1) throw new Error("refused");
      open.delete(session);
    },
  });
  expect(open.size).toBe(0);
});

test("nothing is closed after it was replaced", async () => {
  const replaced = new AbortController();
  const closed: number[] = [];
  await spreadCloses({
    overMs: 10_000,
    signal: replaced.signal,
    open: async () => [1, 2],
    close: async (session) => {
      closed.push(session);
      replaced.abort();
    },
  });
  expect(closed).toEqual([1]);
});
