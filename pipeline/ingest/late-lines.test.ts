import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { fileSource } from "#collectors/sources/files.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openMemoryStore } from "../store/memory-store.ts";
import { Ingest } from "./ingest.ts";

const HOUR_MS = 3_600_000;

/** An nginx error line of so many hours ago; nginx writes no zone. */
const line = (hours: number, n = 0): string => {
  const time = new Date(systemClock.nowMs() - hours * HOUR_MS + n).toISOString();
  return `${time.slice(0, 19).replaceAll("-", "/").replace("T", " ")} [error] 12#34: *5 failed\n`;
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Follows a file with this history, appends the parts one after another, and returns the status after each. */
async function statusAfter(history: string, parts: readonly string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "error.log");
  await writeFile(path, history);
  const stop = new AbortController();
  await using store = openMemoryStore()();
  await using source = fileSource({ paths: [path], follow: true, clock: systemClock });
  const ingest = new Ingest({
    store,
    clock: systemClock,
    rules: { signIn: [], signOut: [] },
    zone: UTC,
    sealAfterMs: 50,
    foldEveryMs: 20,
  });
  const running = ingest.run(source, stop.signal);
  const status = () => ingest.statusWith(source.status())[0];
  let lines = 0;
  const found: string[] = [];
  for (const [index, part] of [history, ...parts].entries()) {
    if (index > 0) await appendFile(path, part);
    lines += part.split("\n").length - 1;
    await until(
      () => ingest.counts.lines === lines && status()?.message.includes("read to its end") === true,
    );
    found.push(`${status()?.level}: ${status()?.message}`);
  }
  stop.abort();
  await running;
  return found;
}

test("lines that are written now with times of two hours ago are a warning, until their times are right", async () => {
  const [history, late, right] = await statusAfter(line(3) + line(2.5), [line(2), line(0)]);
  expect(history).toMatch(/^info: /);
  expect(late).toMatch(
    /^warning: .*; lines have times of 2 h before they are written: the clock or the time zone of the host/,
  );
  expect(right).toMatch(/^info: /);
});

test("the history of a file, and an old log that is appended to it, are no warning", async () => {
  const old = [5, 4, 3, 2].map((hours) => line(hours)).join("");
  for (const status of await statusAfter(old, [old, line(0)])) expect(status).toMatch(/^info: /);
});

test("lines that were buffered for some minutes are no warning", async () => {
  const [, buffered] = await statusAfter(line(1), [line(0.25) + line(0.1)]);
  expect(buffered).toMatch(/^info: /);
});
