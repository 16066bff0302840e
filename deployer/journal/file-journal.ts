import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { AppError } from "#platform/errors.ts";
import { LEASE_TIMES, tryLease } from "#platform/lease/lease.ts";
import { syncFolder } from "#platform/state-file.ts";

import { DurableLines } from "./durable-lines.ts";
import { lineOf, parseLine, snapshotOf } from "./journal-lines.ts";
import {
  applyChange,
  checkChange,
  emptyState,
  type JournalState,
  readsOf,
  recordsOf,
  replacedError,
} from "./journal-state.ts";
import type { Change, Journal } from "./port.ts";

const FILE = "journal.jsonl";
/** A file that has grown by this is replaced by its content. */
const BYTES_MAX = 16 * 1024 * 1024;

type Options = { times?: typeof LEASE_TIMES; bytesMax?: number };

/**
 * The journal of one machine: a file of changes, each flushed to the disk before it counts. The lease of the folder
 * allows one writer; lines of a writer that was replaced while it was suspended are ignored by their fence. Undefined
 * while another process is the writer.
 * @throws AppError unavailable if the file is damaged, naming the line
 */
export async function openFileJournal(
  folder: string,
  { times = LEASE_TIMES, bytesMax = BYTES_MAX }: Options = {},
): Promise<Journal | undefined> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lease = await tryLease(folder, "deployer", times);
  if (lease === undefined) return undefined;
  try {
    const { state, fence, lines } = startLines(folder);
    const compact = compaction(
      { state, fence, lines, bytesMax },
      { confirm: () => lease.confirm(), sync: () => syncFolder(folder) },
    );
    await compact();
    const lost = AbortSignal.any([lease.lost, lines.broken]);
    return {
      fence,
      lost,
      load: async () => recordsOf(state),
      async commit(change: Change) {
        const isConfirmed = !lost.aborted && (await lease.confirm());
        // It may have been closed in the meantime.
        if (!isConfirmed || lost.aborted) throw replacedError();
        checkChange(state, change);
        lines.append(lineOf(fence, change));
        applyChange(state, change);
        await compact();
      },
      ...readsOf(state),
      async [Symbol.asyncDispose]() {
        lines.close();
        await lease.release();
      },
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

type Written = { state: JournalState; fence: number; lines: DurableLines };

/** Reads the file, and makes this process its writer with the next fence. */
function startLines(folder: string): Written {
  const file = join(folder, FILE);
  const found = readJournal(file);
  const fence = found.fence + 1;
  const lines = new DurableLines(file, found.bytes);
  lines.append(lineOf(fence, {}));
  syncFolder(folder);
  return { state: found.state, fence, lines };
}

/** Replaces the lines by what they amount to, whenever they have grown by `bytesMax`. */
function compaction(
  { state, fence, lines, bytesMax }: Written & { bytesMax: number },
  replacing: Parameters<DurableLines["replace"]>[1],
): () => Promise<void> {
  let limit = bytesMax;
  return async () => {
    if (lines.bytes <= limit) return;
    // Changes that are committed meanwhile do not start another one.
    limit = Infinity;
    try {
      await lines.replace(lineOf(fence, snapshotOf(state)), replacing);
    } catch {
      // Such as when the disk is full: the lines are as they were, and the next attempt is made when they have grown more.
    }
    limit = lines.bytes + bytesMax;
  };
}

const NEWLINE = 0x0a;
/** Of the first line ever. A longer one at the start of a file is all of its content, and was written as a whole. */
const FIRST_LINE_BYTES = Buffer.byteLength(lineOf(1, {}));

/** `bytes`: of complete lines. A line that a crash cut off is left out; it was never acknowledged. */
function readJournal(file: string): { state: JournalState; fence: number; bytes: number } {
  const state = emptyState();
  const content = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  let fence = 0;
  let bytes = 0;
  for (let number = 1; bytes < content.length; number += 1) {
    const end = content.indexOf(NEWLINE, bytes);
    const line = end === -1 ? undefined : parseLine(content.subarray(bytes, end));
    if (line === undefined) {
      const isLast = end === -1 || end === content.length - 1;
      if (isLast && (number > 1 || content.length <= FIRST_LINE_BYTES)) break;
      throw new AppError(
        "unavailable",
        `Line ${number} of ${file} is damaged. Restore the file from a backup, or delete the lines from there on, which forgets ${number === 1 ? "all deploys" : "what was deployed later"}.`,
      );
    }
    // A writer that was replaced may still write a line.
    if (line.fence >= fence) {
      fence = line.fence;
      applyChange(state, line.change);
    }
    bytes = end + 1;
  }
  return { state, fence, bytes };
}
