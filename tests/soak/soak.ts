import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import { runProgram, temporaryFolder } from "../harness/program.ts";
import { seededRandom } from "../harness/random.ts";
import { BoardWatch } from "./board-watch.ts";
import { checkStore, type StoredLines } from "./check-store.ts";
import { type FaultKind, type FaultName, FAULTS, type Injected, type Scene } from "./faults.ts";
import { Installation } from "./installation.ts";
import { LogFiles, type Written } from "./log-files.ts";
import { Searches } from "./searches.ts";
import { mountSmallDisk } from "./small-disk.ts";

const LINES_PER_SECOND = 300;
const DISK_MB = 512;
const PAUSE_MS = { min: 300, spread: 2_500 };
/** Shorter than the largest step of the clock. */
const RETENTION_DAYS = 30;
const ERROR_IN_LOG =
  /unhandled|uncaught|(?:Type|Range|Reference|Syntax)Error|heap out of memory|ERR_ASSERTION/i;

export type SoakOptions = {
  seconds: number;
  seed: number;
  faults: readonly FaultName[];
  /** Receives each fault as it is injected. */
  onFault?(line: string): void;
};

export type SoakReport = StoredLines & {
  faults: (Injected & { name: FaultName })[];
  /** Kinds that were not possible on this machine. */
  impossible: FaultName[];
  boards: Pick<BoardWatch, "count" | "slowest" | "failures" | "refusals">;
  searches: Searches;
  /** Exit statuses after SIGTERM, and how long it took. */
  stop: { statuses: (number | null)[]; ms: number };
  logErrors: string[];
  /** Lines of the log about requests that failed with an internal error. */
  failedRequests: string[];
};

/** Injects the faults while lines are written and boards are loaded, then compares the store with the lines. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { seconds, seed } = options;
  const random = seededRandom(seed);
  await using folder = await temporaryFolder();
  const data = path.join(folder.path, "data");
  await using disk = await mountSmallDisk(data, DISK_MB);
  await setRetention(data);
  using logs = new LogFiles(path.join(folder.path, "logs"));
  logs.start(LINES_PER_SECOND);
  await using installation = await Installation.start({ data, logs: logs.pattern, random });
  const happening = new Set<FaultName>();
  const board = new BoardWatch(installation, () => [...happening].join(", ") || "no fault");
  const searches = new Searches();
  const scene: Scene = { installation, logs, board, disk, searches, flips: [], random };
  const injected: SoakReport["faults"] = [];
  await injectFaults(scene, {
    ...options,
    happening,
    injected,
    untilMs: Date.now() + seconds * 1_000,
  });
  await board[Symbol.asyncDispose]();
  const written = logs.stop();
  const startMs = performance.now();
  const statuses = await installation.stop();
  const stop = { statuses, ms: Math.round(performance.now() - startMs) };
  const { counted, logErrors, failedRequests } = await finish(scene, written);
  const happened = new Set(injected.map(({ name }) => name));
  const { count, slowest, failures, refusals } = board;
  return {
    ...counted,
    faults: injected,
    impossible: options.faults.filter((name) => !happened.has(name)),
    boards: { count, slowest, failures, refusals },
    searches,
    stop,
    logErrors,
    failedRequests,
  };
}

/** So that a clock that is ahead makes all events look expired. */
async function setRetention(data: string): Promise<void> {
  await using store = await openStore({ url: storeUrlIn(data), clock: systemClock });
  await store.setRetention(new Map([["nginx.access", RETENTION_DAYS]]));
}

async function finish({ installation, logs, flips }: Scene, written: Written) {
  const { data } = installation;
  // Stores lines that were written after the control plane had read the last ones.
  const ingest = await runProgram(["ingest", logs.pattern, "--data", data]);
  if (ingest.code !== 0) throw new Error(`the rest could not be stored: ${ingest.output}`);
  const damaged = flips.filter(({ kind }) => kind === "events").flatMap(({ urls }) => urls);
  const counted = await checkStore(data, written, new Set(damaged));
  const logErrors = errorsIn(data, installation.stderr);
  return { counted, logErrors, failedRequests: linesIn(data, /a request failed/) };
}

type Injecting = SoakOptions & {
  untilMs: number;
  happening: Set<FaultName>;
  injected: SoakReport["faults"];
};

/** One loop for each kind of target, so that faults of different targets overlap. */
async function injectFaults(scene: Scene, options: Injecting): Promise<void> {
  const byTarget = Object.groupBy(options.faults, (name) => FAULTS[name].target);
  await Promise.all(
    Object.values(byTarget).map(async (names) => {
      let left: FaultName[] = [];
      while (Date.now() < options.untilMs) {
        await delay(PAUSE_MS.min + scene.random() * PAUSE_MS.spread);
        if (left.length === 0) left = [...names];
        // Each kind once before any is repeated.
        const [name] = left.splice(Math.floor(scene.random() * left.length), 1);
        if (name !== undefined) await injectOne(scene, name, options);
      }
    }),
  );
}

async function injectOne(scene: Scene, name: FaultName, options: Injecting): Promise<void> {
  const { happening, injected, onFault } = options;
  const kind: FaultKind = FAULTS[name];
  happening.add(name);
  const fault = await kind.inject(scene);
  happening.delete(name);
  if (!fault) return;
  injected.push({ name, ...fault });
  const { detail, reportedMs } = fault;
  const report = reportedMs === undefined ? "" : `, reported: ${reportedMs ?? "never"}`;
  onFault?.(`${name}: ${detail}${report}`);
}

/** Errors that nobody handled, in logs and on standard error. */
function errorsIn(data: string, stderr: string): string[] {
  const onStderr = stderr.split("\n").filter((line) => ERROR_IN_LOG.test(line));
  return [...linesIn(data, ERROR_IN_LOG), ...onStderr];
}

/** Lines of the program's log files. */
function linesIn(data: string, pattern: RegExp): string[] {
  const folder = path.join(data, "logs");
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap(({ name }) => readFileSync(path.join(folder, name), "utf8").split("\n"))
    .filter((line) => pattern.test(line));
}
