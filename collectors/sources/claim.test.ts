import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { claim } from "./claim.ts";
import { temporaryFolder } from "./files/test-tail.ts";

const ID = "src_0123456789abcdef";

test("a stream is claimed by one reader at a time, and leaves nothing behind", async () => {
  await using folder = await temporaryFolder();
  const claims = await Promise.all([1, 2, 3, 4].map(() => claim(ID, folder.path)));
  const held = claims.filter((one) => one !== undefined);
  expect(held).toHaveLength(1);
  await held[0]?.release();
  expect(await readdir(folder.path)).toEqual([]);
  expect(await claim(ID, folder.path)).toBeDefined();
});

test.each([
  ["whose process is gone", JSON.stringify({ pid: 2 ** 30, started: "1" })],
  ["whose process id another process has now", JSON.stringify({ pid: process.ppid, started: "1" })],
  ["that a crash cut off", '{"pid":'],
])("a claim %s is taken over", async (_name, content) => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, `${ID}.lock`), content);
  expect(await claim(ID, folder.path)).toBeDefined();
  expect(await readdir(folder.path)).toEqual([`${ID}.lock`]);
});

test("a claim of a living process stands", async () => {
  await using folder = await temporaryFolder();
  const owner = JSON.stringify({ pid: process.ppid, started: "" });
  await writeFile(join(folder.path, `${ID}.lock`), owner);
  expect(await claim(ID, folder.path)).toBeUndefined();
  expect(await readdir(folder.path)).toEqual([`${ID}.lock`]);
});
