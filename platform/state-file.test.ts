import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

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
