import { spawn } from "node:child_process";
import { appendFileSync, readdirSync, readlinkSync, renameSync } from "node:fs";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";

import { MAY_UNSHARE } from "#platform/lease/testing-namespaces.ts";

import { fileSource } from "../files.ts";
import { logFilesOpenMax } from "./open-files.ts";
import { fastClock, Reading, temporaryFolder, until } from "./test-tail.ts";

/** The files of the folder that this process has open. */
function openIn(folder: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(`${folder}/`) ? [path] : [];
    } catch {
      return []; // Closed in the meantime.
    }
  });
}

test("log files get a share of the files that the process may open", () => {
  expect([64, 256, 1_024, 1_000_000].map(logFilesOpenMax)).toEqual([16, 64, 256, 4_096]);
});

test.runIf(process.platform === "linux")(
  "more files than may be open are all read and followed, each line once",
  async () => {
    await using folder = await temporaryFolder();
    const names = Array.from({ length: 120 }, (_, n) => join(folder.path, `${n}.log`));
    for (const [n, name] of names.entries()) await writeFile(name, `first of ${n}\n`);
    const reading = new Reading();
    await using running = new AsyncDisposableStack();
    running.use(reading.tail({ paths: [join(folder.path, "*.log")], openFilesMax: 8 }));
    let openMax = 0;
    const hasRead = (count: number) => (): boolean => {
      openMax = Math.max(openMax, openIn(folder.path).length);
      return reading.lines.length >= count;
    };
    await until(hasRead(120));
    for (const round of ["second", "third"]) {
      for (const [n, name] of names.entries()) await appendFile(name, `${round} of ${n}\n`);
      await until(hasRead(round === "second" ? 240 : 360));
    }
    expect(new Set(reading.lines).size).toBe(360);
    expect(openMax).toBeGreaterThan(0);
    expect(openMax).toBeLessThanOrEqual(8);
  },
);

test("a file that is renamed out of the pattern while it is closed is read to its end", async () => {
  await using folder = await temporaryFolder();
  const [one, other] = [join(folder.path, "one.log"), join(folder.path, "other.log")];
  await writeFile(one, "one 1\n");
  await writeFile(other, "other 1\n");
  const reading = new Reading();
  await using running = new AsyncDisposableStack();
  running.use(reading.tail({ paths: [one, other], openFilesMax: 1 }));
  await until(() => reading.lines.length === 2);
  await appendFile(other, "other 2\n");
  await until(() => reading.lines.length === 3);
  // Now `other` is open and `one` is not.
  appendFileSync(one, "one 2\n");
  renameSync(one, `${one}.1`);
  appendFileSync(one, "new 1\n");
  appendFileSync(`${one}.1`, "one 3\n");
  await until(() => reading.lines.length === 6);
  appendFileSync(`${one}.1`, "one 4\n");
  await until(() => reading.lines.length === 7);
  expect(reading.lines.toSorted()).toEqual([
    "new 1",
    "one 1",
    "one 2",
    "one 3",
    "one 4",
    "other 1",
    "other 2",
  ]);
});

test("compressed files are each decompressed once, however few may be open", async () => {
  await using folder = await temporaryFolder();
  const lines = (n: number): string[] =>
    Array.from({ length: 4_000 }, (_, line) => `file ${n} line ${line}`);
  for (let n = 0; n < 6; n += 1) {
    await writeFile(join(folder.path, `${n}.gz`), gzipSync(`${lines(n).join("\n")}\n`));
  }
  const reading = new Reading();
  await using running = new AsyncDisposableStack();
  const paths = [join(folder.path, "*.gz")];
  // Each file needs more than one turn.
  running.use(reading.tail({ paths, openFilesMax: 2, chunkBytes: 2_000 }));
  await until(() => reading.lines.length >= 24_000);
  expect(new Set(reading.lines).size).toBe(24_000);
});

const step = fc.record({
  log: fc.integer({ min: 0, max: 3 }),
  does: fc.constantFrom("append", "append", "append", "rotate", "restart"),
});

test("any sequence of appends, rotations and restarts of four logs is read exactly once with one open file", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await using folder = await temporaryFolder();
      const reading = new Reading();
      const options = { paths: [join(folder.path, "*.log*")], openFilesMax: 1 };
      let tail = reading.tail(options);
      const written: string[] = [];
      for (const [n, { log, does }] of steps.entries()) {
        const path = join(folder.path, `${log}.log`);
        if (does === "restart") {
          await tail[Symbol.asyncDispose]();
          tail = reading.tail(options);
        } else {
          const line = `log ${log}, line ${n} of the test`;
          written.push(line);
          await appendFile(path, `${line}\n`);
        }
        if (does === "rotate") renameSync(path, `${path}.${n}`);
      }
      await until(() => reading.lines.length >= written.length);
      await tail[Symbol.asyncDispose]();
      expect(reading.lines.toSorted()).toEqual(written.toSorted());
    }),
    { numRuns: 8 },
  );
}, 60_000);

test("the status names the limit and how to raise it, if files are read in turns", async () => {
  await using folder = await temporaryFolder();
  for (const n of [1, 2, 3]) await writeFile(join(folder.path, `${n}.log`), `line ${n}\n`);
  const paths = [join(folder.path, "*.log")];
  const stop = new AbortController();
  const statusWith = async (openFilesMax: number) => {
    await using source = fileSource({ paths, follow: false, clock: fastClock(), openFilesMax });
    const chunks = source.read(() => Promise.resolve(new Map()), stop.signal);
    for await (const chunk of chunks) expect(chunk.bytes.length).toBe(7);
    return source.status().filter(({ level }) => level === "warning");
  };
  expect(await statusWith(3)).toEqual([]);
  const [warning] = await statusWith(2);
  expect(warning).toMatchObject({ path: "3 log files" });
  expect(warning?.message).toMatch(/only 2 are kept open .+ may open \d+ files: .+ ulimit -n/);
});

const PRINT_MS_MAX = 30_000;
/** Namespaces in which no folder can be watched. */
const WITHOUT_WATCHES = [
  "unshare",
  "--user",
  "--map-root-user",
  "sh",
  "-c",
  'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"',
  "sh",
] as const;

describe.runIf(MAY_UNSHARE)("without watches for folders", () => {
  test("changes are found by polling, and the status names the limit to raise", async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, "app.log");
    await writeFile(log, "one\n");
    const script = fileURLToPath(new URL("testing-follow.ts", import.meta.url));
    const [command, ...before] = WITHOUT_WATCHES;
    const child = spawn(command, [...before, process.execPath, script, "2", log]);
    let output = "";
    child.stdout.on("data", (text: unknown) => (output += String(text)));
    child.stderr.on("data", (text: unknown) => (output += String(text)));
    onTestFinished(() => void child.kill("SIGKILL"));
    const prints = (text: string) =>
      expect.poll(() => output, { timeout: PRINT_MS_MAX }).toContain(text);
    await prints("1 lines");
    await appendFile(log, "two\n");
    await prints("2 lines");
    await prints("raise fs.inotify.max_user_watches");
    expect(await readFile(log, "utf8")).toBe("one\ntwo\n");
  });
});
