import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { dropOwnership, takeOwnership } from "#platform/postgres/owner.ts";
import { isAlive, markOf, ProcessMark } from "#platform/postgres/process-mark.ts";

/** Where everything lies in the data folder. */
export type DataFolder = {
  root: string;
  store: string;
  locks: string;
  demo: string;
  replay: string;
  logFile: string;
};

export function openDataFolder(root: string): DataFolder {
  const folder: DataFolder = {
    root,
    store: path.join(root, "store"),
    locks: path.join(root, "locks"),
    demo: path.join(root, "demo"),
    replay: path.join(root, "replay"),
    logFile: path.join(root, "logs", "quarterdeck.log"),
  };
  try {
    // Logs tell of people: what is made here is for its owner alone.
    for (const made of [folder.store, folder.locks]) {
      mkdirSync(made, { recursive: true, mode: 0o700 });
    }
    accessSync(root, constants.W_OK);
  } catch (error) {
    throw unusable(root, error);
  }
  return folder;
}

function unusable(root: string, error: unknown): AppError {
  const why = error instanceof Error ? error.message : String(error);
  return new AppError(
    "bad_request",
    `the data folder ${root} cannot be used: ${why}. Make room or give write access there, or choose another one with --data`,
    { cause: error },
  );
}

/**
 * Makes this process the control plane of the folder.
 * @throws AppError when another one, that lives, is it; one that was killed is not in the way.
 */
export async function takeFolder(folder: DataFolder): Promise<void> {
  const isOurs = await takeOwnership(folder.root).catch((error: unknown) => {
    throw unusable(folder.root, error);
  });
  if (isOurs) return;
  const running = findRunning(folder);
  const what = running
    ? `open ${running.url}, or end process ${running.process.pid}`
    : "wait until it is up";
  throw new AppError(
    "conflict",
    `A control plane runs on ${folder.root} already: ${what}, or choose another folder with --data`,
  );
}

export const leaveFolder = (folder: DataFolder): Promise<void> => dropOwnership(folder.root);

/** What a running control plane says of itself to other processes on the machine. */
const Running = z.object({
  /** Told apart from a later process with the same number. */
  process: ProcessMark,
  url: z.string(),
  /** The store that its boards show: the real one, the demo's, or a replay's. */
  store: z.string(),
});
export type Running = z.infer<typeof Running>;

const runningFile = ({ root }: DataFolder): string => path.join(root, "running.json");

/** The control plane that runs on this folder now, if any. */
function findRunning(folder: DataFolder): Running | undefined {
  try {
    const running = Running.parse(JSON.parse(readFileSync(runningFile(folder), "utf8")));
    return isAlive(running.process) ? running : undefined;
  } catch {
    return undefined; // No file, or one from a process that died while writing it.
  }
}

export function sayRunning(folder: DataFolder, running: Omit<Running, "process">): void {
  const said = { process: markOf(process.pid), ...running };
  writeFileSync(runningFile(folder), JSON.stringify(said), { mode: 0o600 });
}

export function sayStopped(folder: DataFolder): void {
  rmSync(runningFile(folder), { force: true });
}

/** The store that a command in the terminal reads: the one that the board shows. */
export function storeToRead(folder: DataFolder): string {
  const running = findRunning(folder);
  if (running) return running.store;
  const demo = path.join(folder.demo, "store");
  return hasSegments(folder.store) || !hasSegments(demo) ? folder.store : demo;
}

function hasSegments(store: string): boolean {
  try {
    return readdirSync(path.join(store, "events"), { recursive: true, encoding: "utf8" }).some(
      (name) => name.endsWith(".parquet"),
    );
  } catch {
    return false;
  }
}
