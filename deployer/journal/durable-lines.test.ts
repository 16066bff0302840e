import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { DurableLines } from "./durable-lines.ts";

const confirm = (): Promise<boolean> => Promise.resolve(true);
const sync = (): void => undefined;

async function newLines() {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck lines "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const here = join(folder, "here");
  mkdirSync(here);
  const file = join(here, "lines");
  const lines = new DurableLines(file, undefined);
  onTestFinished(() => lines.close());
  lines.append("1\n");
  return { lines, file, here, elsewhere: join(folder, "elsewhere") };
}

test("lines are replaced by others, or stay when that fails, and are appended to in both cases", async () => {
  const { lines, file, here, elsewhere } = await newLines();
  renameSync(here, elsewhere);
  await expect(lines.replace("3\n", { confirm, sync })).rejects.toThrow(/ENOENT/);
  lines.append("2\n");
  expect(readFileSync(join(elsewhere, "lines"), "utf8")).toBe("1\n2\n");
  renameSync(elsewhere, here);
  await lines.replace("3\n", { confirm, sync });
  expect(lines.bytes).toBe(2);
  lines.append("4\n");
  expect(readFileSync(file, "utf8")).toBe("3\n4\n");
  expect(lines.broken.aborted).toBe(false);
});

test("lines are not replaced by a writer that was replaced, or after another line", async () => {
  const { lines, file, here } = await newLines();
  const refused = expect.objectContaining({ code: "conflict" });
  await expect(
    lines.replace("3\n", { confirm: () => Promise.resolve(false), sync }),
  ).rejects.toEqual(refused);
  const ownAppend = lines.replace("3\n", { confirm, sync });
  lines.append("2\n");
  await expect(ownAppend).rejects.toEqual(refused);
  const meanwhile = async (): Promise<boolean> => {
    appendFileSync(file, "of another writer\n");
    return true;
  };
  const suspended = lines.replace("3\n", { confirm: meanwhile, sync });
  await expect(suspended).rejects.toEqual(refused);
  expect(readFileSync(file, "utf8")).toBe("1\n2\nof another writer\n");
  expect(readdirSync(here)).toEqual(["lines"]);
});

test("lines that were replaced without being sure on the disk are appended to no more", async () => {
  const { lines, file } = await newLines();
  const broken = (): void => {
    throw new Error("EIO");
  };
  await expect(lines.replace("3\n", { confirm, sync: broken })).rejects.toThrow("EIO");
  expect(lines.broken.aborted).toBe(true);
  expect(() => lines.append("4\n")).toThrow(/was closed/);
  expect(readFileSync(file, "utf8")).toBe("3\n");
});
