import { appendFile, open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { Reading, temporaryFolder, until } from "./test-tail.ts";

const MB = 1024 * 1024;
const GB = 1024 * MB;

/** Writes the text at the offset, and leaves a hole before it. */
async function writeAt(path: string, text: string, offset: number): Promise<void> {
  await using file = await open(path, "r+");
  await file.write(text, offset);
}

test("a hole of 4 GB at the beginning of a file is skipped, while other files are followed, and the status has its size", async () => {
  await using folder = await temporaryFolder();
  const [holed, other] = [join(folder.path, "holed.log"), join(folder.path, "other.log")];
  await writeFile(holed, "");
  await writeAt(holed, "after the hole\n", 4 * GB);
  await writeFile(other, "other 0\n");
  const reading = new Reading();
  await using running = new AsyncDisposableStack();
  const tail = reading.follow({ paths: [holed, other] });
  running.use(tail);
  await until(() => reading.lines.includes("other 0"));
  expect(tail.statusOf(holed)?.message).toMatch(/is skipping NUL bytes: [\d,]+ so far/);
  for (let n = 1; n <= 5; n += 1) {
    await appendFile(other, `other ${n}\n`);
    await until(() => reading.lines.includes(`other ${n}`));
  }
  // Otherwise the hole was read first.
  expect(reading.lines).not.toContain("after the hole");
  await until(() => reading.lines.includes("after the hole"));
  await appendFile(holed, "the next line\n");
  await until(() => reading.lines.includes("the next line"));
  expect(reading.lines).toHaveLength(8);
  expect(tail.statusOf(holed)?.message).toContain(
    `skipped ${(4 * GB).toLocaleString("en")} NUL bytes`,
  );
});

test("a hole within a file ends the line before it; the lines after it are read, and read on after a restart", async () => {
  await using folder = await temporaryFolder();
  const log = join(folder.path, "app.log");
  await writeFile(log, "first\ncut by the power fai");
  await writeAt(log, "second\n", 300 * MB);
  const reading = new Reading();
  const [status] = await reading.read({ paths: [log] });
  expect(reading.lines).toEqual(["first", "cut by the power fai", "second"]);
  expect(status?.message).toMatch(/skipped [\d,]+ NUL bytes/);
  await appendFile(log, "third\n");
  await reading.read({ paths: [log] });
  expect(reading.lines).toEqual(["first", "cut by the power fai", "second", "third"]);
});

test("lines written into reserved space are read, however large it is", async () => {
  await using folder = await temporaryFolder();
  const log = join(folder.path, "app.log");
  await writeFile(log, "first\n");
  await truncate(log, 200 * MB);
  const reading = new Reading();
  await using running = new AsyncDisposableStack();
  running.use(reading.tail({ paths: [log] }));
  await until(() => reading.lines.length === 1);
  let offset = "first\n".length;
  for (const line of ["second\n", "third\n", "fourth\n"]) {
    await writeAt(log, line, offset);
    offset += line.length;
    const count = reading.lines.length;
    await until(() => reading.lines.length === count + 1);
  }
  expect(reading.lines).toEqual(["first", "second", "third", "fourth"]);
});

test("lines written into reserved space are read after the file was quiet and counted as complete", async () => {
  await using folder = await temporaryFolder();
  const log = join(folder.path, "app.log");
  await writeFile(log, "first\nnot terminated");
  await truncate(log, 20 * MB);
  const reading = new Reading();
  await using running = new AsyncDisposableStack();
  running.use(reading.tail({ paths: [log] }));
  // After its quiet period, which is short with this clock.
  await until(() => reading.lines.length === 2);
  await writeAt(log, "\nsecond\n", "first\nnot terminated".length);
  await until(() => reading.lines.includes("second"));
  expect(reading.lines.filter((line) => line !== "")).toEqual([
    "first",
    "not terminated",
    "second",
  ]);
});

test("a file that is completely reserved in advance is read from its beginning", async () => {
  await using folder = await temporaryFolder();
  const log = join(folder.path, "app.log");
  await writeFile(log, "");
  await truncate(log, 200 * MB);
  const reading = new Reading();
  await using running = new AsyncDisposableStack();
  const tail = reading.follow({ paths: [log] });
  running.use(tail);
  await until(() => tail.statusOf(log) !== undefined);
  await writeAt(log, "first\n", 0);
  await until(() => reading.lines.length === 1);
  await writeAt(log, "second\n", 6);
  await until(() => reading.lines.length === 2);
  expect(reading.lines).toEqual(["first", "second"]);
});

test("a compressed file with a hole is read completely", async () => {
  await using folder = await temporaryFolder();
  const log = join(folder.path, "app.log.gz");
  const hole = Buffer.alloc(150 * MB);
  const parts = [hole, "one\n", hole, "two\nthree\n"].map((part) => gzipSync(part, { level: 1 }));
  await writeFile(log, Buffer.concat(parts));
  const reading = new Reading();
  await reading.read({ paths: [log] });
  await reading.read({ paths: [log] });
  expect(reading.lines).toEqual(["one", "two", "three"]);
});

const part = fc.oneof(
  fc.record({ lines: fc.integer({ min: 1, max: 30 }), hole: fc.constant(0) }),
  fc.record({ lines: fc.constant(0), hole: fc.integer({ min: 1, max: 400_000 }) }),
  fc.record({ lines: fc.constant(0), hole: fc.constantFrom(65_535, 65_536, 1_000_000) }),
);

test("any sequence of lines, holes and restarts is read exactly once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 2, maxLength: 12 }), async (parts) => {
      await using folder = await temporaryFolder();
      const log = join(folder.path, "app.log");
      const reading = new Reading();
      const written: string[] = [];
      await writeFile(log, "");
      for (const { lines, hole } of parts) {
        if (hole > 0) await appendFile(log, Buffer.alloc(hole));
        for (let n = 0; n < lines; n += 1) {
          written.push(`line ${written.length} of the test`);
          await appendFile(log, `${written.at(-1)}\n`);
        }
        await reading.read({ paths: [log], chunkBytes: 100_000, lineBytesMax: 300_000 });
      }
      expect(reading.lines).toEqual(written);
    }),
    { numRuns: 12 },
  );
}, 60_000);
