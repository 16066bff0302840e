import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect, test } from "vitest";

import type { Chunk, Source } from "#collectors/source.ts";

import { joinSources } from "./join-sources.ts";

const ITEMS = 100;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const chunkAt = (offset: number): Chunk => ({
  sourceId: "src_a",
  path: "a.log",
  bytes: Buffer.alloc(1_000),
  offset,
  position: { offset },
  bytesSkipped: 0,
});

test("items that were taken are not kept while another source has none", async () => {
  const ending = new AbortController();
  const taken: WeakRef<Chunk>[] = [];
  const busy: Source = {
    async *read() {
      for (let n = 0; n < ITEMS; n += 1) {
        const chunk = chunkAt(n);
        taken.push(new WeakRef(chunk));
        yield chunk;
      }
    },
  };
  const idle: Source = {
    // oxlint-disable-next-line require-yield -- it has no items
    async *read(_positions, signal) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  };
  const joined = joinSources([busy, idle]).read(() => Promise.resolve(new Map()), ending.signal);
  const items = joined[Symbol.asyncIterator]();
  for (let n = 0; n < ITEMS; n += 1) expect((await items.next()).done).toBe(false);
  await expect
    .poll(() => {
      collectGarbage();
      return taken.filter((it) => it.deref() !== undefined).length;
    })
    .toBeLessThan(5);
  ending.abort();
  expect((await items.next()).done).toBe(true);
});

test("an error of one source ends the joined one", async () => {
  const failing: Source = {
    // oxlint-disable-next-line require-yield -- it fails before its first item
    async *read() {
      throw new Error("the disk failed");
    },
  };
  const signal = new AbortController().signal;
  const joined = joinSources([failing]).read(() => Promise.resolve(new Map()), signal);
  const items = joined[Symbol.asyncIterator]();
  await expect(items.next()).rejects.toThrow("the disk failed");
});
