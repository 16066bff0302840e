import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

import { AppError } from "#platform/errors.ts";

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
    for (const made of [folder.store, folder.locks]) mkdirSync(made, { recursive: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError("bad_request", `the data folder ${root} cannot be used: ${why}`);
  }
  return folder;
}

/** What a running control plane says of itself to other processes on the machine. */
const Running = z.object({
  pid: z.number(),
  url: z.string(),
  /** The store that its boards show: the real one, the demo's, or a replay's. */
  store: z.string(),
});
export type Running = z.infer<typeof Running>;

const runningFile = ({ root }: DataFolder): string => path.join(root, "running.json");

/** The control plane that runs on this folder now, if any. */
export function findRunning(folder: DataFolder): Running | undefined {
  try {
    const running = Running.parse(JSON.parse(readFileSync(runningFile(folder), "utf8")));
    return isAlive(running.pid) && running.pid !== process.pid ? running : undefined;
  } catch {
    return undefined; // No file, or one from a process that died while writing it.
  }
}

export function sayRunning(folder: DataFolder, running: Running): void {
  writeFileSync(runningFile(folder), JSON.stringify(running), { mode: 0o600 });
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
