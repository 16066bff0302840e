/**
 * From the append of a log line to the change on the screen of a real browser:
 * `node bench/live.ts [--rate 1000] [--seconds 60] [--viewers 1,200,1000]`.
 * Sign-ins among the lines are markers: the k-th is on the screen when the board shows k. The pushed board is compared,
 * one after the other on the same log, with what other dashboards do: a page that polls every 5 s and every 1 s.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import type { BrowserContext, Page } from "playwright";

import { openBrowser } from "../tests/harness/browser.ts";
import {
  addMember,
  type ControlPlane,
  createOwner,
  metricOf,
  startControlPlane,
} from "../tests/harness/control-plane.ts";
import { temporaryFolder, until } from "../tests/harness/program.ts";
import { type LiveLog, writeLiveLog } from "./lib/live-log.ts";
import { openBoard, openPollingPage, type Recording, takeRecording } from "./lib/live-page.ts";
import { latencies, numberIn, spread } from "./lib/live-statistics.ts";
import { openViewers, type Tally } from "./lib/live-viewers.ts";

const OUT = fileURLToPath(new URL("out/", import.meta.url));
const DATASET = "nginx.access";
const SECONDS_MAX = 600;
const VIEWERS_MAX = 1_500;
/** One member has at most 250 sockets. */
const MEMBERS = 6;
const SETTLE_MS = 3_000;
const LAST_MARKER_MS_MAX = 15_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const ms = (value: number | undefined): string => value?.toFixed(0) ?? "–";
const sleep = (forMs: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, forMs));

type Bench = {
  app: ControlPlane;
  context: BrowserContext;
  /** Of members who may watch the board. */
  cookies: string[];
  log: LiveLog;
};
type Way = { name: string; viewers: number; open(bench: Bench): Promise<Page> };

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "1000" },
    seconds: { type: "string", default: "60" },
    viewers: { type: "string", default: "1,200,1000" },
  },
});
const rate = numberFrom("rate", values.rate, { min: 1, max: 100_000 });
const seconds = numberFrom("seconds", values.seconds, { min: 5, max: SECONDS_MAX });

const pushed = (bench: Bench): Promise<Page> => openBoard(bench.context, bench.app.url);
const polled =
  (everyMs: number) =>
  (bench: Bench): Promise<Page> =>
    openPollingPage(bench.context, { url: bench.app.url, everyMs });

const WAYS: Way[] = [
  ...values.viewers
    .split(",")
    .map((text) => numberFrom("viewers", text, { min: 1, max: VIEWERS_MAX }))
    .map((viewers) => ({ name: `pushed, viewers: ${viewers}`, viewers, open: pushed })),
  { name: "polled every 5 s, 1 viewer", viewers: 1, open: polled(5_000) },
  { name: "polled every 1 s, 1 viewer", viewers: 1, open: polled(1_000) },
];

await main();

async function main(): Promise<void> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "access.log");
  await writeFile(file, "");
  using log = writeLiveLog(file, rate);
  const data = path.join(folder.path, "data");
  await using app = await startControlPlane(["--data", data, file]);
  const cookie = await createOwner(app);
  const cookies = await Promise.all(
    Array.from({ length: MEMBERS }, (_, it) => newMember(data, it)),
  );
  await using browser = await openBrowser();
  const viewport = { width: 1440, height: 900 };
  // The content security policy would refuse the script of the polling page.
  const context = await browser.newContext({ viewport, bypassCSP: true });
  const [name = "", value = ""] = cookie.split("=", 2);
  await context.addCookies([{ name, value, url: app.url }]);
  await until("the board has data", () => hasData(app, cookie), 30_000);
  const results = [];
  for (const way of WAYS) {
    say(`${way.name}: ${seconds} s …`);
    results.push(await measure({ app, context, cookies, log }, way));
  }
  report(results);
  await save(results);
  const wrong = results.filter(({ pushed: live, storeQueries, missing }) =>
    live ? storeQueries > 0 || missing > 0 : missing > 0,
  );
  for (const { way, storeQueries, missing } of wrong) {
    say(`!! ${way}: ${missing} sign-ins never shown, ${storeQueries} store queries`);
  }
  if (wrong.length > 0) process.exitCode = 1;
}

function newMember(data: string, index: number): Promise<string> {
  return addMember(data, `viewer${index}`, [{ capability: "chart", target: "board:home" }]);
}

async function hasData({ url }: ControlPlane, cookie: string): Promise<boolean> {
  const board: unknown = await (await fetch(`${url}/api/board`, { headers: { cookie } })).json();
  return (
    typeof board === "object" && board !== null && "dataset" in board && board.dataset !== null
  );
}

async function measure(bench: Bench, way: Way) {
  const { app, log } = bench;
  const page = await way.open(bench);
  await using crowd = await openViewers({
    count: way.viewers - 1,
    url: app.url,
    cookies: bench.cookies,
    dataset: DATASET,
  });
  await sleep(SETTLE_MS);
  const before = await counters(app);
  const first = log.signInsMs.length;
  const linesBefore = log.lines();
  const recording = await takeRecording(page);
  await crowd.take();
  const startMs = performance.now();
  log.setMarking(true);
  await sleep(seconds * 1000);
  const tally = await crowd.take();
  const tookS = (performance.now() - startMs) / 1000;
  const frames = add(recording, await takeRecording(page));
  const after = await counters(app);
  const lines = log.lines() - linesBefore;
  log.setMarking(false);
  await until(
    `${way.name}: the last sign-in is shown`,
    async () => {
      add(recording, await takeRecording(page));
      return numberIn(recording.signIns.at(-1)?.text ?? "") >= log.signInsMs.length;
    },
    LAST_MARKER_MS_MAX,
  ).catch((error: unknown) => say(`!! ${String(error)}`));
  await page.close();
  return {
    way: way.name,
    pushed: way.open === pushed,
    viewers: way.viewers,
    linesPerSecond: lines / tookS,
    ...latencies(log, first, recording),
    framesPerSecond: frames / tookS,
    frameBytes: spread(recording.frames.map(({ bytes }) => bytes)),
    otherViewers: crowdOf(tally, way.viewers - 1, tookS),
    storeQueries: after.queries - before.queries,
    controlPlaneCores: (after.cpuS - before.cpuS) / tookS,
    requestsTile: requestsTile(recording),
  };
}

/** Appends the new recordings; returns the number of new frames. */
function add(recording: Recording, more: Recording): number {
  recording.signIns.push(...more.signIns);
  recording.requests.push(...more.requests);
  recording.frames.push(...more.frames);
  return more.frames.length;
}

async function counters(app: ControlPlane): Promise<{ queries: number; cpuS: number }> {
  return {
    queries: await metricOf(app, "quarterdeck_store_queries_total"),
    cpuS: await metricOf(app, "quarterdeck_process_cpu_seconds_total"),
  };
}

function crowdOf({ frames, delayMs }: Tally, sockets: number, tookS: number) {
  return sockets > 0 ? { framesPerSecondEach: frames / sockets / tookS, delayMs } : null;
}

/** How often the number on the screen changed, and its last value. */
function requestsTile({ requests }: Recording) {
  const gapsMs = requests.slice(1).map(({ atMs }, index) => atMs - (requests[index]?.atMs ?? atMs));
  return { changeEveryMs: spread(gapsMs), last: requests.at(-1)?.text ?? null };
}

type Result = Awaited<ReturnType<typeof measure>>;

function report(results: readonly Result[]): void {
  say(
    "\n| append → screen, ms | p50 | p95 | p99 | max | store queries | cores | frames/s | frame bytes p50, max |",
  );
  say("|---|---|---|---|---|---|---|---|---|");
  for (const result of results) {
    const { total, frameBytes } = result;
    const cells = [
      result.way,
      ...[total?.p50, total?.p95, total?.p99, total?.max].map(ms),
      String(result.storeQueries),
      result.controlPlaneCores.toFixed(2),
      result.framesPerSecond.toFixed(1),
      `${ms(frameBytes?.p50)}, ${ms(frameBytes?.max)}`,
    ];
    say(`| ${cells.join(" | ")} |`);
  }
  say(
    "\n| where the time goes, ms: p50 / p99 | append → frame made | → in the page | → painted | requests tile |",
  );
  say("|---|---|---|---|---|");
  for (const result of results) {
    const { appendToFrame, frameToPage, pageToScreen, requestsTile: tile } = result;
    const parts = [appendToFrame, frameToPage, pageToScreen].map((part) =>
      part ? `${ms(part.p50)} / ${ms(part.p99)}` : "–",
    );
    const changes = `shows ${tile.last}, changes every ${ms(tile.changeEveryMs?.p50)} ms`;
    say(`| ${result.way} | ${parts.join(" | ")} | ${changes} |`);
  }
}

async function save(results: readonly Result[]): Promise<void> {
  await mkdir(OUT, { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg() };
  const at = new Date().toISOString();
  const all = { at, machine, node: process.version, rate, seconds, results };
  await writeFile(path.join(OUT, "live.json"), `${JSON.stringify(all, null, 2)}\n`);
}

function numberFrom(
  name: "rate" | "seconds" | "viewers",
  text: string,
  { min, max }: { min: number; max: number },
): number {
  const value = Number(text);
  if (value >= min && value <= max) return value;
  throw new Error(`--${name} ${text}: give a number from ${min} to ${max}`);
}
