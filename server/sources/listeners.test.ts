import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { publishActivity } from "#receivers/activity/activity-files.ts";
import { Activity } from "#receivers/activity/activity.ts";
import { publishHolder } from "#receivers/activity/holder-files.ts";
import { addToken } from "#receivers/tokens/token-file.ts";

import { listenersOf } from "./listeners.ts";
import { sourcesOf } from "./source-rows.ts";
import { activityOf, fileWith } from "./testing-sources.ts";

const NOW_MS = 1_800_000_000_000;
const HTTP = "http://127.0.0.1:4680";

async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "listeners-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("a token states what to do until a receiver runs, and then where it listens", async () => {
  const folder = await dataFolder();
  await addToken(folder, { name: "filebeat", datasets: ["*"], eventsPerSecond: null }, NOW_MS);
  const [before] = listenersOf(folder, NOW_MS).statuses;
  expect(before).toMatchObject({ source: "token/filebeat", level: "warning" });
  expect(before?.message).toContain("no HTTP receiver runs");
  const clock = { nowMs: () => NOW_MS };
  const activity = new Activity(clock, (text) => text);
  const addresses = [HTTP, "syslog+udp://127.0.0.1:5514"];
  const published = publishActivity(folder, {
    name: "receive",
    addresses,

    activity,
    clock,
  });
  onTestFinished(() => published[Symbol.dispose]());
  const listeners = listenersOf(folder, NOW_MS);
  expect(listeners.listening.map(({ address }) => address)).toEqual(addresses);
  const rows = sourcesOf({
    statuses: [],
    receivers: listeners.statuses,
    activities: [activityOf("syslog+udp", { arrivedMs: NOW_MS, isPushed: true })],
    file: fileWith("").file(),
    storeError: null,
    busError: null,
    nowMs: NOW_MS,
  }).map(({ row }) => row);
  expect(rows.map(({ source, state, origin }) => `${source} ${state} ${origin}`)).toEqual([
    "token/filebeat waiting pushed",
    "syslog+udp receiving pushed",
  ]);
});

test("while no receiver runs, a socket states that what arrives waits, and why", async () => {
  const folder = await dataFolder();
  const addresses = ["syslog+tcp://127.0.0.1:5514"];
  let problem: string | undefined = "the receiver is started again: process 7 ended with SIGKILL";
  const clock = { nowMs: () => NOW_MS };
  const about = { addresses, listeners: () => [], problem: () => problem, clock };
  publishHolder(folder, about)[Symbol.dispose]();
  expect(listenersOf(folder, NOW_MS).statuses).toEqual([]);
  {
    using _ = publishHolder(folder, about);
    const [status] = listenersOf(folder, NOW_MS).statuses;
    expect(status).toMatchObject({ source: "syslog+tcp", level: "error" });
    expect(status?.message).toMatch(
      /^what arrives waits in memory, because the receiver .*SIGKILL$/,
    );
  }
  problem = undefined;
  using _ = publishHolder(folder, about);
  const [status] = listenersOf(folder, NOW_MS).statuses;
  expect(status).toMatchObject({ level: "info", message: "is listening" });
});
