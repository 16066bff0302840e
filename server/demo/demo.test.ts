import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { gunzipSync } from "node:zlib";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { systemClock } from "#platform/clock.ts";

import { startDemo, type DemoOptions } from "./demo.ts";

const PATIENCE = { timeout: 20_000, interval: 50 };
let folder = "";
let ending = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "demo whole "));
  ending = new AbortController();
});
afterEach(async () => {
  ending.abort();
  await vi.waitFor(async () => rm(folder, { recursive: true, force: true }), PATIENCE);
});

const options = (more: Partial<DemoOptions> = {}): DemoOptions => ({
  folder: join(folder, "demo"),
  clock: systemClock,
  signal: ending.signal,
  requestsPerSecondMean: 20,
  historyDays: 0.02,
  proxy: "built-in",
  ...more,
});
const isDown = async (url: string): Promise<boolean> =>
  fetch(url).then(
    () => false,
    () => true,
  );
const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, "utf8")).split("\n").filter(Boolean);

async function historyIn(parent: string): Promise<string[]> {
  const logs = join(parent, "demo", "logs");
  const names = await readdir(logs);
  return names.filter((it) => /^history-.*\.gz$/.test(it)).map((it) => join(logs, it));
}

test.each(["built-in", "any"] as const)(
  "visitors reach every instance through the proxy (%s), at the rate at which the history ended",
  async (proxy) => {
    const demo = await startDemo(options({ proxy }));
    expect(demo.instances()).toBe(3);
    // Not at once: the demo answers some requests with a simulated error.
    await vi.waitFor(async () => expect((await fetch(demo.url)).status).toBe(200), PATIENCE);
    await demo.history;
    const [live = ""] = demo.logPaths;
    const past = await historyIn(folder);
    const texts = await Promise.all(past.map(async (path) => gunzipSync(await readFile(path))));
    const pastLines = texts.join("").trimEnd().split("\n").length;
    await vi.waitFor(
      async () => expect((await linesOf(live)).length).toBeGreaterThan(60),
      PATIENCE,
    );
    const lines = await linesOf(live);
    expect(new Set(lines.map((line) => / ua="([^"]+)"/.exec(line)?.[1])).size).toBe(3);
    expect(lines.some((line) => / - [a-z]+\.[a-z]+\d+ \[/.test(line))).toBe(true);
    expect(pastLines / (0.02 * 86_400)).toBeGreaterThan(2);
    await demo.stop();
    await demo.stop();
    expect(demo.instances()).toBe(0);
    expect(await isDown(demo.url)).toBe(true);
  },
);

test("a second start writes only the missing history", async () => {
  const first = await startDemo(options());
  await first.history;
  await vi.waitFor(() => expect(existsSync(first.logPaths[0] ?? "")).toBe(true), PATIENCE);
  await first.stop();
  const before = await historyIn(folder);
  const soon = await startDemo(options());
  await soon.history;
  expect(await historyIn(folder)).toEqual(before);
  await soon.stop();
  const later = { nowMs: () => Date.now() + 10 * 60_000 };
  const third = await startDemo(options({ clock: later }));
  await third.history;
  expect((await historyIn(folder)).length).toBeGreaterThan(before.length);
  await third.stop();
});

test("an invalid state file is named in the error", async () => {
  await mkdir(join(folder, "demo"));
  await writeFile(join(folder, "demo", "state.json"), "{}");
  await expect(startDemo(options())).rejects.toThrow("state.json");
});

test("an abort ends the demo", async () => {
  const demo = await startDemo(options());
  ending.abort();
  await vi.waitFor(async () => expect(await isDown(demo.url)).toBe(true), PATIENCE);
  await vi.waitFor(() => expect(demo.instances()).toBe(0), PATIENCE);
});

test.each(["built-in", "any"] as const)(
  "no process is left running when the parent is killed (%s)",
  async (proxy) => {
    const script = `
      import { startDemo } from ${JSON.stringify(new URL("demo.ts", import.meta.url).href)};
      const demo = await startDemo({ ...${JSON.stringify(options({ proxy }))},
        clock: { nowMs: () => Date.now() }, signal: new AbortController().signal });
      console.log(demo.url);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: parent.stdout });
    const [url] = await once(lines, "line");
    expect(await isDown(String(url))).toBe(false);
    parent.kill("SIGKILL");
    await vi.waitFor(async () => expect(await isDown(String(url))).toBe(true), PATIENCE);
  },
);
