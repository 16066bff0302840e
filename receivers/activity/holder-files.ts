import { rmSync } from "node:fs";
import path from "node:path";

import type { Clock } from "#platform/clock.ts";
import { readStateFile } from "#platform/state-file.ts";

import type { ListenerState } from "../sockets/configured-listeners.ts";
import { folderIn, isRecent, namesIn, publish, ReceiversActivity } from "./activity-files.ts";

const SUFFIX = "-sockets.json";

/** A socket holder on a data folder, as it described itself last. */
export type HolderState = {
  /** Its file, which distinguishes it from others. */
  file: string;
  writtenMs: number;
  /** Whether it still runs; otherwise it ended without being stopped. */
  isRunning: boolean;
  /** The listeners of the sources file. */
  listeners: readonly ListenerState[];
  /** Why its receiver does not run at present, for people; undefined if it does. */
  problem: string | undefined;
};

/**
 * Writes the state of a socket holder into the data folder once a second, until it is disposed of. `problem`: why its receiver does
 * not run at present, for people; undefined if it does. Files of holders that were killed are removed.
 */
export function publishHolder(
  dataFolder: string,
  about: {
    addresses: readonly string[];
    listeners: () => ListenerState[];
    problem: () => string | undefined;
    clock: Clock;
  },
): Disposable {
  const { addresses, clock } = about;
  using stack = new DisposableStack();
  removeOld(dataFolder, clock.nowMs());
  // Those that were killed a moment before it began.
  stack.defer(() => removeOld(dataFolder, clock.nowMs()));
  const file = path.join(folderIn(dataFolder), `${process.pid}${SUFFIX}`);
  const contentNow = (): ReceiversActivity => {
    const problem = about.problem();
    return {
      writtenMs: clock.nowMs(),
      addresses: [...addresses],
      listeners: about.listeners(),
      streams: [],
      ...(problem !== undefined && { problem }),
    };
  };
  stack.use(publish(file, contentNow));
  return stack.move();
}

/** The socket holders that run on the data folder, and those that were killed and not started again. */
export function holdersOf(dataFolder: string, nowMs: number): HolderState[] {
  return namesIn(folderIn(dataFolder))
    .filter((name) => name.endsWith(SUFFIX))
    .flatMap((name): HolderState[] => {
      const file = path.join(folderIn(dataFolder), name);
      const { value } = readStateFile(file, ReceiversActivity);
      if (!value) return [];
      const { writtenMs, listeners, problem } = value;
      return [{ file, writtenMs, isRunning: isRecent(value, nowMs), listeners, problem }];
    });
}

function removeOld(dataFolder: string, nowMs: number): void {
  for (const { file, isRunning } of holdersOf(dataFolder, nowMs)) {
    if (!isRunning) rmSync(file, { force: true });
  }
}
