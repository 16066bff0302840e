import { mkdtemp, readFile, readdir, rm, stat, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { afterEach, beforeEach, expect, test } from "vitest";

import { generateHistory, historyPaths } from "./history.ts";

const untilMs = Date.UTC(2026, 10, 18, 1, 30, 20);
const model = { seed: 7, requestsPerSecondMean: 2, upstreams: ["127.0.0.1:1", "127.0.0.1:2"] };
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "demo-history-"));
});
afterEach(async () => rm(folder, { recursive: true }));

const linesOf = async (path: string): Promise<string[]> =>
  gunzipSync(await readFile(path))
    .toString()
    .trimEnd()
    .split("\n");
const timeOf = (line: string): number => {
  const at = /\[(\d+)\/(\w+)\/(\d+):([\d:]+) /.exec(line) ?? [];
  return Date.parse(`${at[1]} ${at[2]} ${at[3]} ${at[4]} UTC`);
};

test("the past is whole: in order, from its start up to its end, a file a day", async () => {
  const options = { ...model, folder, untilMs, days: 0.125 };
  const paths = await generateHistory(options);
  expect(paths).toHaveLength(2);
  expect(paths).toEqual(historyPaths(options));
  const times = (await Promise.all(paths.map(linesOf))).flat().map(timeOf);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[0]).toBeGreaterThanOrEqual(untilMs - 3 * 3_600_000);
  expect(times[0]).toBeLessThan(untilMs - 3 * 3_600_000 + 60_000);
  expect(times.at(-1)).toBeGreaterThan(untilMs - 60_000);
  expect(times.at(-1)).toBeLessThan(untilMs);
});

test("a run that was interrupted is completed, and what it had finished is left alone", async () => {
  const options = { ...model, folder, untilMs, days: 0.125 };
  const paths = await generateHistory(options);
  const [first = "", second = ""] = paths;
  const lines = await linesOf(first);
  const kept = await stat(second);
  await unlink(first);
  await generateHistory(options);
  expect(await linesOf(first)).toEqual(lines);
  expect((await stat(second)).ino).toBe(kept.ino);
  expect(await readdir(folder)).toHaveLength(2);
});

test("two pasts that meet have the lines of one", async () => {
  const whole = await generateHistory({
    ...model,
    folder: join(folder, "a"),
    untilMs,
    days: 1 / 24,
  });
  const halves = [
    ...(await generateHistory({ ...model, folder, untilMs: untilMs - 1_800_000, days: 1 / 48 })),
    ...(await generateHistory({ ...model, folder, untilMs, days: 1 / 48 })),
  ];
  const requests = async (paths: string[]): Promise<(string | undefined)[]> =>
    (await Promise.all(paths.map(linesOf))).flat().map((line) => line.split('"')[1]);
  expect(await requests(halves)).toEqual(await requests(whole));
});

test("the past has sign-ins, sign-outs, names of who is signed in, misses and rare failures", async () => {
  const paths = await generateHistory({ ...model, folder, untilMs, days: 1 });
  const lines = (await Promise.all(paths.map(linesOf))).flat();
  const share = (pattern: RegExp): number =>
    lines.filter((line) => pattern.test(line)).length / lines.length;
  expect(share(/"POST \/login HTTP\/1.1" 303 /)).toBeGreaterThan(0.02);
  expect(share(/"POST \/login HTTP\/1.1" 401 /)).toBeGreaterThan(0.001);
  expect(share(/ [a-z.]+\d+ .*"POST \/logout HTTP\/1.1" 303 /)).toBeGreaterThan(0.01);
  expect(share(/" 404 /)).toBeGreaterThan(0.002);
  expect(share(/" 500 /)).toBeGreaterThan(0);
  expect(share(/" 500 /)).toBeLessThan(0.01);
});
