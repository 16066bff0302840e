import { accessSync, constants, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { AppError } from "#platform/errors.ts";
import { dropOwnership, takeOwnership } from "#platform/postgres/owner.ts";
import { markOf } from "#platform/postgres/process-mark.ts";

import { findRunning, type Running, runningFile } from "./current-store.ts";

/** Where everything lies in the data folder. */
export type DataFolder = {
  root: string;
  store: string;
  locks: string;
  demo: string;
  replay: string;
  logFile: string;
  accessLogFile: string;
};

export function openDataFolder(root: string): DataFolder {
  const folder: DataFolder = {
    root,
    store: path.join(root, "store"),
    locks: path.join(root, "locks"),
    demo: path.join(root, "demo"),
    replay: path.join(root, "replay"),
    logFile: path.join(root, "logs", "quarterdeck.log"),
    accessLogFile: path.join(root, "logs", "quarterdeck.access.ndjson"),
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
  const running = findRunning(folder.root);
  const what = running
    ? `open ${running.url}, or end process ${running.process.pid}`
    : "wait until it is up";
  throw new AppError(
    "conflict",
    `A control plane runs on ${folder.root} already: ${what}, or choose another folder with --data`,
  );
}

export const leaveFolder = (folder: DataFolder): Promise<void> => dropOwnership(folder.root);

export function sayRunning(folder: DataFolder, running: Omit<Running, "process">): void {
  const said = { process: markOf(process.pid), ...running };
  writeFileSync(runningFile(folder.root), JSON.stringify(said), { mode: 0o600 });
}

export function sayStopped(folder: DataFolder): void {
  rmSync(runningFile(folder.root), { force: true });
}
