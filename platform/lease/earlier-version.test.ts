import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { earlierOwner } from "./earlier-version.ts";
import { ownIdentity } from "./process-identity.ts";

async function folderWith(owner: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck earlier "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "owner.json"), owner);
  return folder;
}

const { bootId } = ownIdentity();
const parentStart = (): string =>
  readFileSync(`/proc/${process.ppid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")[19] ?? "";

test("a running process of the earlier version is found by its file", async () => {
  const began = `${bootId}/${parentStart()}`;
  const folder = await folderWith(JSON.stringify({ pid: process.ppid, began }));
  expect(await earlierOwner(folder)).toBe(process.ppid);
  expect(await readdir(folder)).toEqual(["owner.json"]);
});

test.each([
  ["of a process that has ended", JSON.stringify({ pid: 2 ** 22 - 1, began: `${bootId}/1` })],
  [
    "with a pid that another process has now",
    JSON.stringify({ pid: process.ppid, began: `${bootId}/1` }),
  ],
  ["from before the machine was restarted", JSON.stringify({ pid: process.ppid, began: "x/1" })],
  ["that a crash truncated", '{"pid":'],
])("a file %s is removed", async (_name, owner) => {
  const folder = await folderWith(owner);
  expect(await earlierOwner(folder)).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});
