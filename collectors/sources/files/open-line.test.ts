import { utimesSync } from "node:fs";
import { appendFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { Reading, temporaryFolder, until } from "./test-tail.ts";

test("reading once waits for the end of a line that is being written", async () => {
  await using folder = await temporaryFolder();
  const log = join(folder.path, "app.log");
  await writeFile(log, "first line\nsecond li");
  const { mtimeMs } = await stat(log);
  const reading = new Reading();
  const done = reading.read({ paths: [log], clock: { nowMs: () => mtimeMs } });
  await until(() => reading.lines.length === 1);
  await appendFile(log, "ne\n");
  await done;
  expect(reading.lines).toEqual(["first line", "second line"]);
});

test("reading once includes an unterminated last line when its file is quiet", async () => {
  await using folder = await temporaryFolder();
  const log = join(folder.path, "app.log");
  await writeFile(log, "first line\nsecond li");
  const { mtimeMs } = await stat(log);
  const reading = new Reading();
  await reading.read({ paths: [log], clock: { nowMs: () => mtimeMs + 60_000 } });
  expect(reading.lines).toEqual(["first line", "second li"]);
});

test("reading once leaves a line that is being written to the next read", async () => {
  await using folder = await temporaryFolder();
  const log = join(folder.path, "app.log");
  await writeFile(log, "first line\nsecond li");
  const reading = new Reading();
  let nowMs = (await stat(log)).mtimeMs;
  /** Before each check, time passes and the file is written to. */
  const clock = {
    nowMs(): number {
      nowMs += 500;
      utimesSync(log, nowMs / 1000, nowMs / 1000);
      return nowMs;
    },
  };
  const [status] = await reading.read({ paths: [log], clock });
  expect(reading.lines).toEqual(["first line"]);
  expect(status?.message).toContain("will be read next time");
  await appendFile(log, "ne\n");
  await reading.read({ paths: [log] });
  expect(reading.lines).toEqual(["first line", "second line"]);
});

test("a compressed file that replaces another is read from its beginning", async () => {
  await using folder = await temporaryFolder();
  const log = join(folder.path, "app.log");
  const lines = (name: string, count: number): string =>
    Array.from({ length: count }, (_, index) => `${name} event ${index} of the test\n`).join("");
  await writeFile(`${log}.1.gz`, gzipSync(lines("old", 50)));
  const reading = new Reading();
  await using tail = reading.tail({ paths: [`${log}*`] });
  expect(tail).toBeDefined();
  await until(() => reading.lines.length === 50);
  await rename(`${log}.1.gz`, `${log}.2.gz`);
  await writeFile(`${log}.2.gz`, gzipSync(lines("new", 80)));
  await until(() => reading.lines.length >= 130);
  expect(reading.lines.slice(50).join("\n")).toBe(lines("new", 80).trim());
});
