/**
 * Boards and live numbers beside searches whose patterns are expensive to match:
 * `node bench/hostile-search.ts [--rows 3000000] [--seconds 60]`. All paths are 8,000 times `a`; 20 searches for
 * `path:*a*a*a*a*a*b` and 50 overviews run at once, again and again, while a log is written, the board is loaded, and a
 * viewer watches it. At the end the control plane is stopped in the middle of the searches. Fails if a limit is exceeded.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import {
  type ControlPlane,
  createOwner,
  startControlPlane,
} from "../tests/harness/control-plane.ts";
import { temporaryFolder, until } from "../tests/harness/program.ts";
import { fillStore } from "./lib/fill-store.ts";
import { writeLiveLog } from "./lib/live-log.ts";
import { spread } from "./lib/live-statistics.ts";
import { openViewers, type Tally } from "./lib/live-viewers.ts";

const OUT = fileURLToPath(new URL("out/", import.meta.url));
const SEARCH = `/api/events?q=${encodeURIComponent("path:*a*a*a*a*a*b")}&from=now-1d&to=now`;
const OVERVIEW = "/api/events/overview?from=now-1d&to=now";
const SEARCHES = 20;
const OVERVIEWS = 50;
const PATH_LENGTH = 8_000;
const HOURS = 20;
const LINES_PER_SECOND = 500;
const BOARD_EVERY_MS = 250;
const QUIET_S = 15;
const STOP_AFTER_MS = 1_500;
const LIMITS = { boardMsP95: 1_000, answerMs: 35_000, stopMs: 3_000, framesPerSecond: 4 };
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "3000000" },
    seconds: { type: "string", default: "60" },
  },
});
const seconds = Number(values.seconds);

const pathOf = (section: number): string => `/${"a".repeat(PATH_LENGTH)}/${section}`;

type Answer = { status: number; ms: number; detail: string };

await main();

async function main(): Promise<void> {
  await using folder = await temporaryFolder();
  const data = path.join(folder.path, "data");
  await fill(data, Number(values.rows));
  const file = path.join(folder.path, "access.log");
  await writeFile(file, "");
  await using stack = new AsyncDisposableStack();
  stack.use(writeLiveLog(file, LINES_PER_SECOND));
  await using app = await startControlPlane(["--data", data, file]);
  const cookie = await createOwner(app);
  await until("a live board", async () => (await ask(app, cookie, "/api/board")).status === 200);
  await using viewer = await openViewers({
    count: 1,
    url: app.url,
    cookies: [cookie],
    dataset: "nginx.access",
  });
  say(`without searches, ${QUIET_S} s …`);
  const quiet = await watch(app, cookie, { viewer, seconds: QUIET_S });
  say(`with ${SEARCHES} searches and ${OVERVIEWS} overviews at once, ${seconds} s …`);
  const ending = new AbortController();
  const searches = repeat(SEARCHES, () => ask(app, cookie, SEARCH), ending.signal);
  const overviews = repeat(OVERVIEWS, () => ask(app, cookie, OVERVIEW), ending.signal);
  const hostile = await watch(app, cookie, { viewer, seconds });
  ending.abort();
  const answers = { searches: await searches, overviews: await overviews };
  const stopMs = await stopDuringSearches(app, cookie);
  const result = { quiet, hostile, ...summariesOf(answers), stopMs };
  say(JSON.stringify(result, null, 2));
  await mkdir(OUT, { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length };
  const all = { at: new Date().toISOString(), machine, node: process.version, values, ...result };
  await writeFile(path.join(OUT, "hostile-search.json"), `${JSON.stringify(all, null, 2)}\n`);
  check(result);
}

async function fill(data: string, rows: number): Promise<void> {
  await using store = await openStore({ url: storeUrlIn(data), clock: systemClock });
  const toMs = Date.now() - 60_000;
  const startMs = performance.now();
  const range = { fromMs: toMs - HOURS * 3_600_000, toMs };
  await fillStore(store, { rows, ...range, pathOf, pages: 4 }, (done) =>
    process.stderr.write(`\r${done} of ${rows} rows`),
  );
  const { bytes } = await store.status();
  const tookS = (performance.now() - startMs) / 1_000;
  say(`\n${rows} events, ${(bytes / 1e6).toFixed(0)} MB, written in ${tookS.toFixed(0)} s`);
}

type Watched = { viewer: { take(): Promise<Tally> }; seconds: number };

/** Loads the board again and again, beside a viewer of its live numbers. */
async function watch(app: ControlPlane, cookie: string, { viewer, ...run }: Watched) {
  const boards: Answer[] = [];
  await viewer.take();
  const startMs = performance.now();
  while (performance.now() - startMs < run.seconds * 1_000) {
    boards.push(await ask(app, cookie, "/api/board"));
    await delay(BOARD_EVERY_MS);
  }
  const { frames, delayMs } = await viewer.take();
  const tookS = (performance.now() - startMs) / 1_000;
  return {
    boards: boards.length,
    boardMs: spread(boards.map(({ ms }) => ms)),
    failedBoards: boards.filter(({ status }) => status !== 200).map(({ detail }) => detail),
    framesPerSecond: frames / tookS,
    frameDelayMs: delayMs,
  };
}

/** So many at once, and again as soon as all are answered. */
async function repeat(
  count: number,
  one: () => Promise<Answer>,
  signal: AbortSignal,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (!signal.aborted) answers.push(...(await Promise.all(Array.from({ length: count }, one))));
  return answers;
}

async function ask({ get }: ControlPlane, cookie: string, target: string): Promise<Answer> {
  const startMs = performance.now();
  const done = (status: number, detail: string): Answer => ({
    status,
    ms: Math.round(performance.now() - startMs),
    detail,
  });
  try {
    const response = await get(target, cookie);
    const text = await response.text();
    return done(response.status, response.ok ? "" : text.slice(0, 300));
  } catch (error) {
    return done(0, String(error));
  }
}

async function stopDuringSearches(app: ControlPlane, cookie: string): Promise<number> {
  const searching = Array.from({ length: SEARCHES }, () => ask(app, cookie, SEARCH));
  await delay(STOP_AFTER_MS);
  const startMs = performance.now();
  const status = await app.end("SIGTERM");
  const tookMs = Math.round(performance.now() - startMs);
  await Promise.all(searching);
  if (status !== 0) say(`!! exit status ${status}`);
  return tookMs;
}

function summariesOf(answers: Record<"searches" | "overviews", Answer[]>) {
  return { searches: summaryOf(answers.searches), overviews: summaryOf(answers.overviews) };
}

function summaryOf(answers: readonly Answer[]) {
  const outcomes = Object.groupBy(answers, ({ status, detail }) =>
    status === 200 ? "answered" : `${status} ${/"detail":"([^"]*)"/.exec(detail)?.[1] ?? detail}`,
  );
  return {
    ms: spread(answers.map(({ ms }) => ms)),
    outcomes: Object.fromEntries(
      Object.entries(outcomes).map(([outcome, all]) => [outcome, all?.length ?? 0]),
    ),
  };
}

type Result = { hostile: Awaited<ReturnType<typeof watch>>; stopMs: number } & ReturnType<
  typeof summariesOf
>;

function check({ hostile, searches, stopMs }: Result): void {
  const exceeded = [
    [(hostile.boardMs?.p95 ?? Infinity) > LIMITS.boardMsP95, "the board was slow"],
    [hostile.failedBoards.length > 0, "a board failed"],
    [hostile.framesPerSecond < LIMITS.framesPerSecond, "live frames were missing"],
    [(searches.ms?.max ?? Infinity) > LIMITS.answerMs, "a search was not answered in time"],
    [stopMs > LIMITS.stopMs, "stopping was slow"],
  ].filter(([isExceeded]) => isExceeded);
  for (const [, what] of exceeded) say(`!! ${String(what)}`);
  if (exceeded.length > 0) process.exitCode = 1;
}
