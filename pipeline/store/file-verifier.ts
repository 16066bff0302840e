import { statSync } from "node:fs";

import { systemClock } from "#platform/clock.ts";
import { errorCode } from "#platform/errors.ts";

import { type Checksum, checksumOfFile } from "./checksum.ts";

/** Times of files may be this coarse: a file that was changed so recently is verified again. */
const CLOCK_TICK_MS = 50;

/** `unavailable`: it could not be opened, which may be different in a moment. */
export type FileState =
  | { kind: "intact" }
  | { kind: "missing" }
  | { kind: "damaged"; reason: string }
  | { kind: "unavailable"; reason: string };

type Verified = { stamp: string; state: FileState; atMs: number };

/**
 * Verifies files by their checksums. A file is read when it is verified first, and again when its inode, size or one of
 * its times has changed, which every write changes. Errors of the disk change none of them: they are found when files
 * are verified afresh.
 */
export class FileVerifier {
  readonly #verified = new Map<string, Verified>();
  readonly #running = new Map<string, Promise<FileState>>();

  /** `isFresh`: reads the file even if it seems to be unchanged. */
  verify(path: string, checksum: Checksum, isFresh = false): FileState | Promise<FileState> {
    let stamp: string | undefined;
    try {
      stamp = fileStamp(path);
    } catch (error) {
      return unavailable(error);
    }
    if (stamp === undefined) return { kind: "missing" };
    const known = this.#verified.get(path);
    if (known?.stamp === stamp && !isFresh) return known.state;
    const running = this.#running.get(path);
    if (running) return running;
    const reading = this.#read(path, stamp, checksum).finally(() => this.#running.delete(path));
    this.#running.set(path, reading);
    return reading;
  }

  /** When the file was read to verify it, by `performance.now()`. */
  verifiedMs(path: string): number | undefined {
    return this.#verified.get(path)?.atMs;
  }

  forget(path: string): void {
    this.#verified.delete(path);
  }

  async #read(path: string, stamp: string, checksum: Checksum): Promise<FileState> {
    const atMs = performance.now();
    try {
      const found = await checksumOfFile(path);
      const state = compared(found, checksum);
      if (!isRecent(path)) this.#verified.set(path, { stamp, state, atMs });
      return state;
    } catch (error) {
      return errorCode(error) === "ENOENT" ? { kind: "missing" } : unavailable(error);
    }
  }
}

function compared(found: Checksum, expected: Checksum): FileState {
  if (found.bytes !== expected.bytes) {
    const reason = `it has ${found.bytes} bytes instead of ${expected.bytes}`;
    return { kind: "damaged", reason };
  }
  if (found.crc32 === expected.crc32) return { kind: "intact" };
  return { kind: "damaged", reason: "its content does not match its checksum" };
}

const unavailable = (error: unknown): FileState => ({
  kind: "unavailable",
  reason: errorCode(error) ?? String(error),
});

/**
 * Changes with every write to the file; undefined if there is none. Synchronous, because that takes microseconds, a tenth
 * of the time of an asynchronous call.
 */
export function fileStamp(path: string): string | undefined {
  const info = statSync(path, { bigint: true, throwIfNoEntry: false });
  return info && `${info.ino} ${info.size} ${info.mtimeNs} ${info.ctimeNs}`;
}

function isRecent(path: string): boolean {
  const changedMs = statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0;
  return Math.abs(systemClock.nowMs() - changedMs) < CLOCK_TICK_MS;
}
