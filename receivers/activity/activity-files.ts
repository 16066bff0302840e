import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { z } from "zod";

import type { Clock } from "#platform/clock.ts";
import { readStateFile } from "#platform/state-file.ts";

import type { ListenerState } from "../sockets/configured-listeners.ts";
import type { Activity, StreamActivity } from "./activity.ts";

const WRITE_EVERY_MS = 1_000;
/** A process that has not written for this long has ended. */
const STALE_MS = 15_000;
const SUFFIX = ".json";

const Stream: z.ZodType<StreamActivity> = z.object({
  protocol: z.string(),
  source: z.string(),
  tokenId: z.string(),
  tokenName: z.string(),
  stream: z.string(),
  events: z.number(),
  bytes: z.number(),
  refused: z.number(),
  refusal: z.string(),
  dropped: z.number(),
  firstMs: z.number(),
  lastMs: z.number(),
  lastLine: z.string(),
});

const Listener: z.ZodType<ListenerState> = z.object({
  source: z.string(),
  address: z.string(),
  problem: z.string().nullable(),
});

export const ReceiversActivity = z.object({
  writtenMs: z.number(),
  /** Where it listens, such as http://127.0.0.1:4680. */
  addresses: z.array(z.string()),
  /** Those of the sources file, also such that cannot listen. */
  listeners: z.array(Listener),
  streams: z.array(Stream),
  /** Why nothing that arrives is stored at present, for people. */
  problem: z.string().exactOptional(),
});
export type ReceiversActivity = z.output<typeof ReceiversActivity>;

export const folderIn = (dataFolder: string): string => path.join(dataFolder, "receivers");

/**
 * Writes the activity into the data folder once a second, for pages and commands, until it is disposed of. The file is
 * not flushed: it describes only what runs.
 */
export function publishActivity(
  dataFolder: string,
  about: {
    name: string;
    addresses: readonly string[];
    activity: Activity;
    clock: Clock;
  },
): Disposable {
  const { name, addresses, activity, clock } = about;
  return publish(path.join(folderIn(dataFolder), `${name}${SUFFIX}`), () => ({
    writtenMs: clock.nowMs(),
    addresses: [...addresses],
    listeners: [],
    streams: [...activity.streams],
  }));
}

/** Writes the content into the file once a second, until it is disposed of. */
export function publish(file: string, contentNow: () => ReceiversActivity): Disposable {
  const write = (): void => {
    const content = contentNow();
    try {
      mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, JSON.stringify(content), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch {
      // A full disk is reported by the store; nothing else depends on this file.
    }
  };
  write();
  const timer = setInterval(write, WRITE_EVERY_MS);
  timer.unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      rmSync(file, { force: true });
    },
  };
}

/** What the receivers that run on the data folder got since they were started. */
export function readActivity(dataFolder: string, nowMs: number): ReceiversActivity[] {
  const folder = folderIn(dataFolder);
  return namesIn(folder).flatMap((name) => {
    const { value } = readStateFile(path.join(folder, name), ReceiversActivity);
    return value && isRecent(value, nowMs) ? [value] : [];
  });
}

/** Whether the process that wrote it still runs. */
export const isRecent = ({ writtenMs }: Pick<ReceiversActivity, "writtenMs">, nowMs: number) =>
  Math.abs(nowMs - writtenMs) < STALE_MS;

/** The names of all files in the folder of the activity. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(SUFFIX));
  } catch {
    return []; // Nothing has listened yet.
  }
}
