import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { compilePacking } from "./compile.ts";

test("the WebAssembly module is what its source compiles to", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "packing-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const output = path.join(folder, "compiled.wasm");
  await compilePacking(output);
  const committed = await readFile(new URL("pack.wasm", import.meta.url));
  const isSame = committed.equals(await readFile(output));
  expect(isSame, "compile it: node receivers/packing/compile.ts").toBe(true);
});
