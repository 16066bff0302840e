import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { BoardWatch } from "./board-watch.ts";
import type { Installation } from "./installation.ts";
import type { LogFiles } from "./log-files.ts";
import { ask, HOSTILE_QUERY, type Searches } from "./searches.ts";
import type { SmallDisk } from "./small-disk.ts";
import { type FileKind, type Flip, flipBit, isUsed } from "./stored-files.ts";

/** What the faults act on. */
export type Scene = {
  installation: Installation;
  logs: LogFiles;
  board: BoardWatch;
  /** Undefined where mounting is not permitted. */
  disk: SmallDisk | undefined;
  searches: Searches;
  flips: Flip[];
  random(): number;
};

/** An injected fault. `reportedMs`: when the board reported it; null if it did not; absent if it need not. */
export type Injected = { detail: string; reportedMs?: number | null };

/** Faults of the same kind of target wait for each other; the others happen at the same time. */
export type FaultKind = {
  target: "processes" | "files" | "searches";
  /** Undefined if it was not possible. */
  inject(scene: Scene): Promise<Injected | undefined>;
};

/** How long a report is waited for; `SoakLimits` are stricter. */
const REPORT_MS_MAX = 30_000;
const POLL_MS = 50;
const OVER_MS_MAX = 30_000;
/** Not the advice to free disk space, which other problems give too. */
const FULL_DISK = /the disk of|ENOSPC/i;
const NO_INDEXER = /No indexer is connected/;
const OPEN_FILES = /open files|EMFILE/i;
const HOLD_MS = { min: 1_000, spread: 4_000 };
const DESCRIPTORS_FREE = 2;
/** Below the number of problems of one kind that boards list by name. */
const BROKEN_FILES_MAX = 10;
const DAY_MS = 86_400_000;
const CLOCK_STEPS_MS = [2 * 3_600_000, -2 * 3_600_000, 400 * DAY_MS];
const SEARCHES = 20;
const OVERVIEWS = 50;

export const FAULTS = {
  kills: { target: "processes", inject: kill },
  "full-disk": { target: "processes", inject: fillDisk },
  "open-files": { target: "processes", inject: limitOpenFiles },
  clock: { target: "processes", inject: stepClock },
  rotations: { target: "files", inject: rotate },
  flips: { target: "files", inject: (scene) => flip(scene, "events") },
  "rollup-flips": { target: "files", inject: (scene) => flip(scene, "rollups") },
  "future-lines": { target: "files", inject: appendFutureLine },
  searches: { target: "searches", inject: searchHostile },
  overviews: { target: "searches", inject: loadOverviews },
} satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS).filter((it): it is FaultName => it in FAULTS);

const oneOf = <T>(scene: Scene, list: readonly T[]): T | undefined =>
  list[Math.floor(scene.random() * list.length)];
const hold = ({ random }: Scene): Promise<void> => delay(HOLD_MS.min + random() * HOLD_MS.spread);

/**
 * Waits until the problems on the board match; returns after how long, or null if they do not in time. The time in which
 * no board can be opened does not count.
 */
async function reported(
  { installation, board }: Scene,
  pattern: RegExp,
  repeat?: () => void | Promise<void>,
): Promise<number | null> {
  let waitedMs = 0;
  let lastMs = performance.now();
  while (!pattern.test(board.problems ?? "")) {
    if (waitedMs > REPORT_MS_MAX) return null;
    await repeat?.();
    await delay(POLL_MS);
    const nowMs = performance.now();
    if (installation.url !== undefined) waitedMs += nowMs - lastMs;
    lastMs = nowMs;
  }
  return Math.round(waitedMs);
}

/** Waits until the board no longer reports it, so that the next report is of the next fault. */
async function over({ board }: Scene, pattern: RegExp): Promise<void> {
  const endMs = performance.now() + OVER_MS_MAX;
  const isOver = ({ problems }: BoardWatch): boolean =>
    problems !== undefined && !pattern.test(problems);
  while (!isOver(board) && performance.now() < endMs) await delay(POLL_MS);
}

const shownUnless = (reportedMs: number | null, { board }: Scene): string =>
  reportedMs === null ? `the board shows ${board.problems}` : "";

async function kill(scene: Scene): Promise<Injected> {
  const { installation, random } = scene;
  if (installation.isApart && random() < 0.5) {
    await installation.killIndexer();
    const reportedMs = await reported(scene, NO_INDEXER);
    installation.startIndexer();
    return { detail: `indexer ${shownUnless(reportedMs, scene)}`, reportedMs };
  }
  await installation.killAll();
  return { detail: `all, then ${installation.isApart ? "apart" : "together"}` };
}

async function fillDisk(scene: Scene): Promise<Injected | undefined> {
  const { disk } = scene;
  if (!disk) return undefined;
  try {
    await disk.fill();
    const reportedMs = await reported(scene, FULL_DISK, () => disk.fill());
    await hold(scene);
    return { detail: shownUnless(reportedMs, scene), reportedMs };
  } finally {
    disk.empty();
    await over(scene, FULL_DISK);
  }
}

async function limitOpenFiles(scene: Scene): Promise<Injected | undefined> {
  // A process that starts needs more files than it can report a lack of.
  await over(scene, NO_INDEXER);
  const pid = oneOf(scene, scene.installation.pids);
  if (pid === undefined) return undefined;
  const before = limitOf(pid);
  let limit = Infinity;
  // Connections that are closed in the meantime make no room.
  const lower = (): void => {
    const lowered = lowestFreeDescriptor(pid) + DESCRIPTORS_FREE;
    if (lowered < limit) setLimit(pid, String((limit = lowered)));
  };
  try {
    const reportedMs = await reported(scene, OPEN_FILES, lower);
    await hold(scene);
    return { detail: `${limit} ${shownUnless(reportedMs, scene)}`, reportedMs };
  } finally {
    setLimit(pid, before);
    await over(scene, OPEN_FILES);
  }
}

/** The limit is on the numbers of descriptors: a process gets the lowest number that it does not use. */
function lowestFreeDescriptor(pid: number): number {
  const used = new Set(readdirSync(`/proc/${pid}/fd`));
  let number = 0;
  while (used.has(String(number))) number += 1;
  return number;
}

const limitOf = (pid: number): string =>
  execFileSync("prlimit", ["--pid", `${pid}`, "--nofile", "-o", "SOFT", "--noheadings"])
    .toString()
    .trim();
const setLimit = (pid: number, soft: string): void =>
  void execFileSync("prlimit", ["--pid", `${pid}`, `--nofile=${soft}:`]);

async function stepClock(scene: Scene): Promise<Injected> {
  const shiftMs = oneOf(scene, CLOCK_STEPS_MS) ?? 0;
  scene.installation.setClock(shiftMs);
  await hold(scene);
  scene.installation.setClock(0);
  return { detail: `${shiftMs / 3_600_000} h and back` };
}

async function rotate(scene: Scene): Promise<Injected> {
  const file = Math.floor(scene.random() * scene.logs.files);
  return { detail: scene.logs.rotate(file, scene.random() < 0.5) };
}

async function flip(scene: Scene, kind: FileKind): Promise<Injected | undefined> {
  const done = await flipBit(scene.installation.data, kind, scene.random);
  if (!done) return undefined;
  scene.flips.push(done);
  const detail = `${kind}/${done.segment}`;
  const reportedMs = await reported(scene, new RegExp(done.segment));
  deleteBrokenFiles(scene.installation.data);
  if (reportedMs !== null) return { detail, reportedMs };
  const isMerged = !(await isUsed(scene.installation.data, done));
  return isMerged ? { detail: `${detail}, merged meanwhile` } : { detail, reportedMs };
}

/** As people do whom the board tells to delete damaged files. */
function deleteBrokenFiles(data: string): void {
  const folder = path.join(data, "store", "broken");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (names.length <= BROKEN_FILES_MAX) return;
  for (const name of names) rmSync(path.join(folder, name), { force: true });
}

async function appendFutureLine({ logs }: Scene): Promise<Injected> {
  logs.appendFutureLine(0);
  return { detail: "20 h ahead" };
}

async function searchHostile(scene: Scene): Promise<Injected> {
  const target = `/api/events?q=${encodeURIComponent(HOSTILE_QUERY)}`;
  return { detail: await ask(scene, target, SEARCHES) };
}

async function loadOverviews(scene: Scene): Promise<Injected> {
  return { detail: await ask(scene, "/api/events/overview", OVERVIEWS) };
}
