import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { DurableLines } from "./durable-lines.ts";

test("lines are replaced by others, or stay when that fails, and are appended to in both cases", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck lines "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [here, elsewhere] = [join(folder, "here"), join(folder, "elsewhere")];
  mkdirSync(here);
  const lines = new DurableLines(join(here, "lines"), undefined);
  onTestFinished(() => lines.close());
  lines.append("1\n");
  renameSync(here, elsewhere);
  expect(() => lines.replace("3\n")).toThrow(/ENOENT/);
  lines.append("2\n");
  expect(readFileSync(join(elsewhere, "lines"), "utf8")).toBe("1\n2\n");
  renameSync(elsewhere, here);
  lines.replace("3\n");
  expect(lines.bytes).toBe(2);
  lines.append("4\n");
  expect(readFileSync(join(here, "lines"), "utf8")).toBe("3\n4\n");
  expect(lines.broken.aborted).toBe(false);
});
