import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import { retentionCommand } from "./retention.ts";
import { captureOutput } from "./testing-output.ts";

const DAY_MS = 86_400_000;

test("the command shows by which time events expire, and confirms the clock after a long pause", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck retention "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const printed = captureOutput();
  const output = (...args: string[]): Promise<string> =>
    printed.of(retentionCommand, ...args, "--data", folder);
  expect(await output()).toContain("All events are kept");
  {
    await using store = await openStore({ url: storeUrlIn(folder), clock: systemClock });
    await store.setRetention(new Map([["nginx.access", 30]]));
  }
  expect(await output()).toMatch(/^nginx\.access: 30 days\nEvents expire as of now/);
  const pausedMs = systemClock.nowMs() - 100 * DAY_MS;
  const time = { version: 1, atMs: pausedMs, deviatingMs: 0 };
  await writeFile(path.join(folder, "store", "retention-time.json"), JSON.stringify(time));
  expect(await output()).toContain(`as of ${new Date(pausedMs).toISOString()} only`);
  expect(await output("--confirm")).toContain("Events expire as of now");
  expect(await output()).toContain("Events expire as of now");
});
