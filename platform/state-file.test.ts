import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";

import { readStateFile, writeStateFile } from "./state-file.ts";

const Schema = z.object({ port: z.number() });

function newFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "quarterdeck state "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return path.join(folder, "state.json");
}

test("what was written is read, and nothing else remains in the folder", () => {
  const file = newFile();
  for (const port of [1, 2]) writeStateFile(file, { port });
  expect(readStateFile(file, Schema)).toEqual({ value: { port: 2 } });
  expect(readdirSync(path.dirname(file))).toEqual(["state.json"]);
});

test("processes that write at the same time do not disturb each other", async () => {
  const file = newFile();
  const module = new URL("state-file.ts", import.meta.url).href;
  const program = `import { writeStateFile } from ${JSON.stringify(module)};
    for (let i = 0; i < 300; i += 1) writeStateFile(${JSON.stringify(file)}, { port: i });`;
  const writing = [1, 2, 3].map(() =>
    promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]),
  );
  await Promise.all(writing);
  expect(readStateFile(file, Schema)).toEqual({ value: { port: 299 } });
  expect(readdirSync(path.dirname(file))).toEqual(["state.json"]);
});

test("an absent file is not damaged", () => {
  expect(readStateFile(newFile(), Schema)).toEqual({});
});

test.each(["", "\n", "{", "\0\0\0", "{}", '{"port":"1"}', "null"])(
  "the damage of a file with %j names the file",
  (content) => {
    const file = newFile();
    writeFileSync(file, content);
    const { value, damage } = readStateFile(file, Schema);
    expect(value).toBeUndefined();
    expect(damage).toContain(file);
    expect(damage).toMatch(/is empty|is damaged/);
  },
);

test("a file that cannot be read is reported with the reason", () => {
  const file = newFile();
  expect(readStateFile(path.dirname(file), Schema).damage).toContain("EISDIR");
});
