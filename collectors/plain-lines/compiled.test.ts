import { readFile } from "node:fs/promises";

import { expect, test } from "vitest";

import { temporaryFolder } from "../sources/files/test-tail.ts";
import { compile } from "./compile.ts";

test("the WebAssembly module is what its source compiles to", { timeout: 60_000 }, async () => {
  await using folder = await temporaryFolder();
  const output = `${folder.path}/compiled.wasm`;
  await compile(output);
  const committed = await readFile(new URL("plain-lines.wasm", import.meta.url));
  expect(
    committed.equals(await readFile(output)),
    "compile it: node collectors/plain-lines/compile.ts",
  ).toBe(true);
});
