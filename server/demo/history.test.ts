import { mkdtemp, readFile, readdir, rm, stat, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";

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
/** The proxy's files of a day. */
const ofProxy = (paths: string[]): string[] => paths.filter((path) => path.endsWith(".log.gz"));
const timeOf = (line: string): number => {
  const at = /\[(\d+)\/(\w+)\/(\d+):([\d:]+) /.exec(line) ?? [];
  return Date.parse(`${at[1]} ${at[2]} ${at[3]} ${at[4]} UTC`);
};

test("the history is complete and in order, one file a day", async () => {
  const options = { ...model, folder, untilMs, days: 0.125 };
  const paths = await generateHistory(options);
  expect(paths).toHaveLength(4);
  expect(paths).toEqual(historyPaths(options));
  const times = (await Promise.all(ofProxy(paths).map(linesOf))).flat().map(timeOf);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[0]).toBeGreaterThanOrEqual(untilMs - 3 * 3_600_000);
  expect(times[0]).toBeLessThan(untilMs - 3 * 3_600_000 + 60_000);
  expect(times.at(-1)).toBeGreaterThan(untilMs - 60_000);
  expect(times.at(-1)).toBeLessThan(untilMs);
});

test("an interrupted run is completed, and its finished files are kept", async () => {
  const options = { ...model, folder, untilMs, days: 0.125 };
  const paths = await generateHistory(options);
  const [first = "", second = ""] = paths;
  const lines = await linesOf(first);
  const kept = await stat(second);
  await unlink(first);
  await generateHistory(options);
  expect(await linesOf(first)).toEqual(lines);
  expect((await stat(second)).ino).toBe(kept.ino);
  expect(await readdir(folder)).toHaveLength(4);
});

test("two adjacent histories have the lines of one", async () => {
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
    (await Promise.all(ofProxy(paths).map(linesOf))).flat().map((line) => line.split('"')[1]);
  expect(await requests(halves)).toEqual(await requests(whole));
});

test("the history has sign-ins, sign-outs, user names, 404s and rare failures", async () => {
  const paths = await generateHistory({ ...model, folder, untilMs, days: 1 });
  const lines = (await Promise.all(ofProxy(paths).map(linesOf))).flat();
  const share = (pattern: RegExp): number =>
    lines.filter((line) => pattern.test(line)).length / lines.length;
  expect(share(/"POST \/login HTTP\/1.1" 303 /)).toBeGreaterThan(0.02);
  expect(share(/"POST \/login HTTP\/1.1" 401 /)).toBeGreaterThan(0.001);
  expect(share(/ [a-z.]+\d+ .*"POST \/logout HTTP\/1.1" 303 /)).toBeGreaterThan(0.01);
  expect(share(/" 404 /)).toBeGreaterThan(0.002);
  expect(share(/" 500 /)).toBeGreaterThan(0);
  expect(share(/" 500 /)).toBeLessThan(0.01);
});

test("the history of the domain APIs matches the shop's visitors", async () => {
  const paths = await generateHistory({ ...model, folder, untilMs, days: 1 / 8 });
  const proxied = (await Promise.all(ofProxy(paths).map(linesOf))).flat();
  const apiPaths = paths.filter((path) => path.endsWith(".ndjson.gz"));
  const documents = (await Promise.all(apiPaths.map(linesOf)))
    .flat()
    .map((line) => Access.parse(JSON.parse(line)));
  const countOf = (service: string, status: number): number =>
    documents.filter(
      (it) => it["service.name"] === service && it["http.response.status_code"] === status,
    ).length;
  const signIns = proxied.filter((line) => /"POST \/login HTTP\/1.1" (?:303|500) /.test(line));
  expect(countOf("accounts", 201)).toBeGreaterThan(0);
  expect(Math.abs(countOf("accounts", 201) - signIns.length)).toBeLessThan(signIns.length / 20 + 2);
  const times = documents.map((it) => Date.parse(it["@timestamp"]));
  expect(Math.min(...times)).toBeGreaterThanOrEqual(untilMs - 3 * 3_600_000);
  expect(Math.max(...times)).toBeLessThan(untilMs);
});

const Access = z.object({
  "@timestamp": z.string(),
  "service.name": z.string(),
  "http.response.status_code": z.number(),
});
