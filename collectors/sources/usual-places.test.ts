import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { temporaryFolder } from "./files/test-tail.ts";
import { findLogs } from "./usual-places.ts";

test("only files that are not empty are found, each once", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  await writeFile(at("access.log"), "one\n");
  await writeFile(at("empty-access.log"), "");
  await mkdir(at("folder-access.log"));
  expect(await findLogs([at("*access.log"), at("access.log"), at("none/*.log")])).toEqual([
    at("access.log"),
  ]);
});

test("the usual paths can be searched on any machine", async () => {
  expect(await findLogs()).toBeInstanceOf(Array);
});
