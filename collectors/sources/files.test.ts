import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  truncate,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { fileSource } from "./files.ts";
import { fastClock, Reading, temporaryFolder, until } from "./files/test-tail.ts";

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `2026-11-23 event ${from + index} of the test`);
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

describe("reading once", () => {
  test("reads the oldest file first, each line once, and nothing twice", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    await writeFile(`${log}.2.gz`, gzipSync(text(numbered(0, 500))));
    await writeFile(`${log}.1`, text(numbered(500, 1000)));
    await writeFile(log, text(numbered(1000, 1500)));
    await utimes(`${log}.2.gz`, 1, 1);
    await utimes(`${log}.1`, 2, 2);
    const reading = new Reading();
    await reading.read({ paths: [`${log}*`] });
    expect(reading.lines).toEqual(numbered(0, 1500));
    await reading.read({ paths: [`${log}*`] });
    expect(reading.lines).toHaveLength(1500);
  });

  test("chunks are read into the reader's memory, and longer lines beside it", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    const lines = [...numbered(0, 100), "x".repeat(5_000), ...numbered(100, 200)];
    await writeFile(log, text(lines));
    await writeFile(`${log}.1.gz`, gzipSync(text(numbered(200, 250))));
    const memory = Buffer.alloc(1_000);
    await using source = fileSource({
      paths: [`${log}*`],
      follow: false,
      clock: fastClock(),
      chunkBytes: 1_000,
    });
    const chunks = source.read(
      () => Promise.resolve(new Map()),
      new AbortController().signal,
      (bytes) => (bytes <= memory.length ? memory.subarray(0, bytes) : undefined),
    );
    const read: string[] = [];
    let beside = "";
    for await (const { bytes } of chunks) {
      if (bytes.buffer !== memory.buffer) beside += Buffer.from(bytes).toString();
      read.push(...Buffer.from(bytes).toString().split("\n").slice(0, -1));
    }
    expect(new Set(read)).toEqual(new Set([...lines, ...numbered(200, 250)]));
    expect(read).toHaveLength(lines.length + 50);
    expect(beside).toContain("x".repeat(5_000));
    expect(beside.length).toBeLessThan(9_000);
  });

  test("continues after a restart under any name, gzipped, and in a copy", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    const reading = new Reading();
    await writeFile(log, text(numbered(0, 100)));
    await reading.read({ paths: [`${log}*`] });
    await appendFile(log, text(numbered(100, 200)));
    await rename(log, `${log}.1`);
    await reading.read({ paths: [`${log}*`] });
    await writeFile(`${log}.1.gz`, gzipSync(text(numbered(0, 250))));
    await rm(`${log}.1`);
    await reading.read({ paths: [`${log}*`] });
    await writeFile(`${log}.2.zst`, zstdCompressSync(text(numbered(0, 300))));
    await rm(`${log}.1.gz`);
    await reading.read({ paths: [`${log}*`] });
    expect(reading.lines).toEqual(numbered(0, 300));
    expect(reading.ids.size).toBe(1);
  });

  test("files with the same beginning are distinguished", async () => {
    await using folder = await temporaryFolder();
    const same = text(numbered(0, 100));
    await writeFile(join(folder.path, "a.log"), `${same}a\n`);
    await writeFile(join(folder.path, "b.log"), `${same}b\n`);
    await writeFile(join(folder.path, "c.log"), `started\n`);
    await writeFile(join(folder.path, "d.log"), `started\nd\n`);
    const reading = new Reading();
    await reading.read({ paths: [join(folder.path, "*.log")] });
    expect(
      reading.lines.filter((line) => line === "a" || line === "b" || line === "d"),
    ).toHaveLength(3);
    await appendFile(join(folder.path, "a.log"), "more of a\n");
    await appendFile(join(folder.path, "b.log"), "more of b\n");
    await reading.read({ paths: [join(folder.path, "*.log")] });
    expect(reading.lines.filter((line) => line.startsWith("more"))).toHaveLength(2);
    expect(reading.lines.filter((line) => line === numbered(0, 1)[0])).toHaveLength(2);
  });

  test("a file and its copy are read once", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    await writeFile(log, text(numbered(0, 100)));
    await copyFile(log, `${log}.copy`);
    const reading = new Reading();
    await reading.read({ paths: [`${log}*`] });
    expect(reading.lines).toEqual(numbered(0, 100));
  });

  test("a byte order mark, CRLF, empty lines and the NULs of a truncation are skipped", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    const hole = Buffer.alloc(200_000);
    await writeFile(log, Buffer.concat([hole, Buffer.from("\ufeffone\r\n\r\n\ntwo\r\nlast")]));
    const reading = new Reading();
    await reading.read({ paths: [log] });
    expect(reading.lines).toEqual(["one", "two", "last"]);
    const [position] = reading.positions.values();
    expect(position?.["offset"]).toBe(200_000 + 3 + 5 + 2 + 1 + 5 + 4);
  });

  test("a line of 10 MB is complete; a longer one is truncated and its missing bytes are counted", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    await writeFile(log, `first\n${"x".repeat(10_000_000)}\n${"y".repeat(20_000_000)}\nlast\n`);
    const reading = new Reading();
    await reading.read({ paths: [log] });
    const lengths = reading.lines.map((line) => line.length);
    expect(lengths).toEqual([5, 10_000_000, 16 * 1024 * 1024, 4]);
    expect(reading.bytesSkipped).toBe(20_000_001 - 16 * 1024 * 1024);
    await reading.read({ paths: [log] });
    expect(reading.lines).toHaveLength(4);
  });

  test.each([
    [
      "several members",
      Buffer.concat([0, 1, 2].map((n) => gzipSync(text(numbered(n * 99, n * 99 + 99))))),
    ],
    [
      "garbage at the end",
      Buffer.concat([gzipSync(text(numbered(0, 297))), Buffer.from("garbage")]),
    ],
    ["zeros at the end", Buffer.concat([gzipSync(text(numbered(0, 297))), Buffer.alloc(70_000)])],
  ])("gzip with %s is read completely", async (_name, bytes) => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log.gz");
    await writeFile(log, bytes);
    const reading = new Reading();
    await reading.read({ paths: [log] });
    expect(reading.lines).toEqual(numbered(0, 297));
  });

  test("a truncated gzip is read as far as possible, and the status reports it", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log.gz");
    const whole = gzipSync(text(numbered(0, 50_000)));
    await writeFile(log, whole.subarray(0, whole.length / 2));
    const reading = new Reading();
    const [status] = await reading.read({ paths: [log] });
    expect(reading.lines.length).toBeGreaterThan(10_000);
    expect(status).toMatchObject({ path: log, level: "warning" });
    expect(status?.message).toMatch(/truncated.*unexpected end/);
    await writeFile(log, whole);
    const before = reading.lines.length;
    await reading.read({ paths: [log] });
    expect(reading.lines.slice(before - 1).at(-1)).toBe(numbered(49_999, 50_000)[0]);
    expect(reading.lines.length).toBeLessThanOrEqual(50_001);
  });

  test("a file that cannot be read is reported with its path, and does not stop the others", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    await writeFile(log, "one\n");
    await writeFile(join(folder.path, "secret.log"), "secret\n");
    await chmod(join(folder.path, "secret.log"), 0);
    await mkdir(join(folder.path, "closed"), { mode: 0 });
    const names = ["gone.log", "none-*.log", "", "secret.log", "closed/*.log"];
    const paths = names.map((name) => join(folder.path, name));
    const reading = new Reading();
    const status = await reading.read({ paths: [...paths, log] });
    const messageOf = (path: string | undefined) =>
      status.find((entry) => entry.path === path)?.message;
    expect(reading.lines).toContain("one");
    expect(messageOf(paths[0])).toMatch(/does not exist/);
    expect(messageOf(paths[1])).toMatch(/matches no file/);
    expect(messageOf(paths[2])).toMatch(/is a folder/);
    if (process.getuid?.() === 0) return;
    expect(messageOf(paths[3])).toMatch(/is not readable/);
    expect(messageOf(paths[4])).toMatch(/its folder .+closed is not readable/);
  });

  test("a path with pattern characters is literal if such a file exists", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "app[1].log"), "one\n");
    const reading = new Reading();
    await reading.read({ paths: [join(folder.path, "app[1].log")] });
    expect(reading.lines).toEqual(["one"]);
  });

  test("a stream that another process with the same data folder reads is not read", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    const options = { paths: [log], locksFolder: join(folder.path, "locks") };
    await writeFile(log, "one\n");
    const first = new Reading();
    const second = new Reading();
    {
      await using running = new AsyncDisposableStack();
      running.use(first.tail(options));
      await until(() => first.lines.length === 1);
      const [status] = await second.read(options);
      expect(status?.message).toMatch(/another Quarterdeck/);
      expect(second.lines).toEqual([]);
    }
    await second.read(options);
    expect(second.lines).toEqual(["one"]);
  });

  test("a reader that waited for another one continues at its position", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    const options = { paths: [log], locksFolder: join(folder.path, "locks") };
    await writeFile(log, "one\n");
    const first = new Reading();
    const second = new Reading();
    await using waiting = new AsyncDisposableStack();
    {
      await using running = new AsyncDisposableStack();
      running.use(first.tail(options));
      await until(() => first.lines.length === 1);
      waiting.use(second.tail(options));
      await appendFile(log, "two\n");
      await until(() => first.lines.length === 2);
      // Both use the same store.
      for (const [id, position] of first.positions) second.positions.set(id, position);
    }
    await appendFile(log, "three\n");
    await until(() => second.lines.length > 0);
    expect(second.lines).toEqual(["three"]);
  });
});

describe("a tail", () => {
  test("yields a line only when it is complete", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    await writeFile(log, "one\ntw");
    const reading = new Reading();
    await using running = new AsyncDisposableStack();
    running.use(reading.tail({ paths: [log], clock: { nowMs: () => Date.now() } }));
    await until(() => reading.lines.length === 1);
    await appendFile(log, "o\nthree\n");
    await until(() => reading.lines.length === 3);
    expect(reading.lines).toEqual(["one", "two", "three"]);
  });

  test("reads lines appended to a renamed file, and its unterminated last line", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    const writer = await open(log, "a");
    await writer.write("a1\n");
    const reading = new Reading();
    await using running = new AsyncDisposableStack();
    running.use(reading.tail({ paths: [`${log}*`] }));
    await until(() => reading.lines.length === 1);
    await rename(log, `${log}.1`);
    await writeFile(log, "b1\n");
    await writer.write("a2\na3");
    await writer.close();
    await until(() => reading.lines.length === 4);
    expect(reading.lines.toSorted()).toEqual(["a1", "a2", "a3", "b1"]);
    expect(reading.ids.size).toBe(2);
  });

  test("reads a deleted file to its end, and its replacement", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    await writeFile(log, text(numbered(0, 10)));
    const reading = new Reading();
    await using running = new AsyncDisposableStack();
    running.use(reading.tail({ paths: [log] }));
    await until(() => reading.lines.length === 10);
    for (let round = 1; round < 5; round += 1) {
      const writer = await open(log, "a");
      await unlink(log);
      await writer.write(text(numbered(round * 100, round * 100 + 10)));
      await writer.close();
      await writeFile(log, text(numbered(round * 100 + 10, round * 100 + 20)));
      await until(() => reading.lines.length === 10 + round * 20);
    }
    expect(new Set(reading.lines).size).toBe(90);
  });

  test("a truncated file is read from its beginning, even if it immediately grows past the old position", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    await writeFile(log, text(numbered(0, 10)));
    const reading = new Reading();
    await using running = new AsyncDisposableStack();
    running.use(reading.tail({ paths: [log] }));
    await until(() => reading.lines.length === 10);
    await writeFile(log, text(numbered(100, 130)));
    await until(() => reading.lines.length === 40);
    expect(reading.lines).toEqual([...numbered(0, 10), ...numbered(100, 130)]);
  });

  test("the NULs left by a writer that continues at its old offset after a truncation are skipped", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    await writeFile(log, text(numbered(0, 10)));
    const reading = new Reading();
    await using running = new AsyncDisposableStack();
    running.use(reading.tail({ paths: [log] }));
    await until(() => reading.lines.length === 10);
    const writer = await open(log, "r+");
    const { size } = await writer.stat();
    await truncate(log, 0);
    await writer.write(text(numbered(10, 20)), size);
    await writer.close();
    await until(() => reading.lines.length === 20);
    expect(reading.lines).toEqual(numbered(0, 20));
  });

  test("a folder that is removed and created again is read again", async () => {
    await using folder = await temporaryFolder();
    const logs = join(folder.path, "logs");
    await mkdir(logs);
    await writeFile(join(logs, "app.log"), "one\n");
    const reading = new Reading();
    await using running = new AsyncDisposableStack();
    running.use(reading.tail({ paths: [join(logs, "*.log")] }));
    await until(() => reading.lines.length === 1);
    await rm(logs, { recursive: true });
    await mkdir(logs);
    await writeFile(join(logs, "app.log"), "two\n");
    await until(() => reading.lines.length === 2);
    expect(reading.lines).toEqual(["one", "two"]);
  }, 20_000);

  test("ends at once when it is stopped", async () => {
    const source = fileSource({ paths: [], follow: true, clock: fastClock() });
    const chunks = [];
    for await (const chunk of source.read(() => Promise.resolve(new Map()), AbortSignal.timeout(1)))
      chunks.push(chunk);
    expect(chunks).toEqual([]);
  });
});

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("append" as const),
      lines: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "rename" as const }) },
  { weight: 1, arbitrary: fc.constant({ type: "copytruncate" as const }) },
  { weight: 1, arbitrary: fc.constant({ type: "gzip" as const }) },
  { weight: 2, arbitrary: fc.constant({ type: "read" as const }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** A log and its rotated files, as with logrotate. */
class RotatedLog {
  written = 0;
  readonly path: string;
  #rotations = 0;
  #plain: string[] = [];

  constructor(folder: string) {
    this.path = join(folder, "app.log");
  }

  async apply(step: Operation): Promise<void> {
    const rotated = `${this.path}.${this.#rotations}`;
    if (step.type === "append") {
      await appendFile(this.path, text(numbered(this.written, this.written + step.lines)));
      this.written += step.lines;
    } else if (step.type === "gzip") {
      const path = this.#plain.shift();
      if (path === undefined) return;
      await writeFile(`${path}.gz`, gzipSync(await readFile(path)));
      await unlink(path);
    } else if (step.type !== "read") {
      this.#rotations += 1;
      this.#plain.push(rotated);
      await appendFile(this.path, "");
      if (step.type === "rename") await rename(this.path, rotated);
      else await copyFile(this.path, rotated);
      if (step.type === "copytruncate") await truncate(this.path, 0);
    }
  }
}

describe("any sequence of appends, rotations and restarts", () => {
  test("every line is read exactly once when each run reads to the end", async () => {
    const script = fc.array(operation, { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        await using folder = await temporaryFolder();
        const log = new RotatedLog(folder.path);
        const reading = new Reading();
        for (const step of steps) {
          await log.apply(step);
          if (step.type === "read") await reading.read({ paths: [`${log.path}*`] });
        }
        await reading.read({ paths: [`${log.path}*`] });
        expect(reading.lines.toSorted()).toEqual(numbered(0, log.written).toSorted());
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test("every line is read exactly once while files are followed", async () => {
    const script = fc.array(operation, { minLength: 5, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        await using folder = await temporaryFolder();
        const log = new RotatedLog(folder.path);
        const reading = new Reading();
        let tail = reading.tail({ paths: [`${log.path}*`] });
        for (const step of steps) {
          await log.apply(step);
          if (step.type !== "read") continue;
          await tail[Symbol.asyncDispose]();
          tail = reading.tail({ paths: [`${log.path}*`] });
        }
        await until(() => reading.lines.length >= log.written);
        await tail[Symbol.asyncDispose]();
        expect(reading.lines.toSorted()).toEqual(numbered(0, log.written).toSorted());
      }),
      { numRuns: 6 },
    );
  }, 60_000);
});
