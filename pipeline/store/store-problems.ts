import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { AppError, errorCode } from "#platform/errors.ts";
import { ifExists } from "#platform/files.ts";

import type { StoreProblem } from "./port.ts";
import type { SegmentId } from "./segment-id.ts";

const BROKEN = "broken";

type FileProblem = { kind: "file" | "repaired"; message: string };
type OperationProblem = { kind: "upkeep" | "clock" | "space"; message: string };

/** What is wrong with a store, for people. */
export class StoreProblems {
  readonly #folder: string;
  /** By the name of a file. */
  readonly #files = new Map<string, FileProblem>();
  /** By the name of an operation that fails or waits. */
  readonly #operations = new Map<string, OperationProblem>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get all(): readonly StoreProblem[] {
    return [...this.#files, ...this.#operations].map(([id, problem]) => ({ id, ...problem }));
  }

  /** Adds an operation that fails, or that waits because of the clock, until it is removed. */
  noteOperation(name: string, message: string, kind: OperationProblem["kind"] = "upkeep"): void {
    this.#operations.set(name, { kind, message });
  }

  forgetOperation(name: string): void {
    this.#operations.delete(name);
  }

  /** Adds a file until it is removed. */
  noteFile(name: string, message: string, kind: FileProblem["kind"] = "file"): void {
    this.#files.set(name, { kind, message });
  }

  forgetFile(name: string): void {
    this.#files.delete(name);
  }

  /** Adds a file that this process moved to `broken/`. */
  noteMoved(name: string, message: string): void {
    this.#files.set(`${BROKEN}/${name}`, { kind: "file", message });
  }

  /** Adds the files that any process moved to `broken/`, and removes those that are no longer there. */
  async noteBroken(): Promise<void> {
    let names: Set<string>;
    try {
      names = new Set(await ifExists(readdir(join(this.#folder, BROKEN))));
    } catch {
      return; // Such as when no more files may be open; the next call lists them.
    }
    for (const key of this.#files.keys()) {
      const [folder, name = ""] = key.split("/");
      if (folder === BROKEN && !names.has(name)) this.#files.delete(key);
    }
    for (const name of names) {
      const key = `${BROKEN}/${name}`;
      if (!this.#files.has(key)) this.#files.set(key, brokenFile(this.#folder, name));
    }
  }
}

/** The names of files in `broken/` that are not event files. */
export const brokenRollup = (id: SegmentId): string => `${id}.rollup.parquet`;
export const brokenManifest = (id: SegmentId): string => `${id}.manifest.json`;

function brokenFile(folder: string, name: string): FileProblem {
  const path = join(folder, BROKEN, name);
  const isRepaired = name.endsWith(".rollup.parquet") || name.endsWith(".json");
  const result = isRepaired
    ? "Its content was computed again from the events, so nothing is lost"
    : "Its events are missing in searches. They return only if the whole folder of the store is restored from a backup while nothing uses it: a single file must not be put back";
  const message = `${path} was damaged and was moved there. ${result}. This message ends when the file is deleted`;
  return { kind: isRepaired ? "repaired" : "file", message };
}

export function incomplete(folder: string, cause?: unknown): AppError {
  const code = errorCode(cause);
  const reason = code === undefined ? "" : ` (${code})`;
  const message = `not all segments of ${folder} can be opened now${reason}, so nothing is stored until they can be`;
  return new AppError("unavailable", message, { cause, waitMs: 1_000 });
}
