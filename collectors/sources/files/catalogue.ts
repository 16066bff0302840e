import { realpath } from "node:fs/promises";
import { dirname } from "node:path";

import type { Clock } from "#platform/clock.ts";

import { scanFiles, type FoundFile } from "./scan.ts";
import { TrackedFile } from "./tracked-file.ts";

/** The known files by inode and by current path. */
export class Catalogue {
  readonly #paths: readonly string[];
  readonly #clock: Clock;
  readonly #byKey = new Map<string, TrackedFile>();
  readonly #byPath = new Map<string, TrackedFile>();
  problems = new Map<string, string>();

  constructor(paths: readonly string[], clock: Clock) {
    this.#paths = paths;
    this.#clock = clock;
  }

  /** In the order in which they were found: oldest first. */
  files(): TrackedFile[] {
    return [...this.#byKey.values()];
  }

  hasWork(isReady: (file: TrackedFile) => boolean): boolean {
    for (const file of this.#byKey.values()) if (isReady(file)) return true;
    return false;
  }

  /** Looks up all paths again. Resolves to the folders to watch. */
  async scan(): Promise<Set<string>> {
    const { files, folders, problems } = await scanFiles(this.#paths);
    this.problems = problems;
    this.#byPath.clear();
    const keys = new Set<string>();
    for (const found of files) {
      keys.add(found.key);
      const file = this.#keep(found);
      this.#byPath.set(found.path, file);
      const real = await realpath(found.path).catch(() => found.path);
      this.#byPath.set(real, file);
      folders.add(dirname(real));
    }
    for (const file of this.#byKey.values()) file.isDeleted = !keys.has(file.key);
    return folders;
  }

  mark(changed: ReadonlySet<string>): void {
    const nowMs = this.#clock.nowMs();
    for (const path of changed) this.#byPath.get(path)?.markChanged(nowMs);
  }

  /** Checks the open files for changes. */
  async poll(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    for (const file of this.#byKey.values()) {
      if (await file.refresh()) file.markChanged(nowMs);
    }
  }

  forget(file: TrackedFile): void {
    this.#byKey.delete(file.key);
  }

  #keep(found: FoundFile): TrackedFile {
    const nowMs = this.#clock.nowMs();
    const file =
      this.#byKey.get(found.key) ?? new TrackedFile(found, Math.min(nowMs, found.mtimeMs));
    this.#byKey.set(found.key, file);
    if (file.path !== found.path) file.moveTo(found.path);
    if (file.size !== found.size || file.mtimeMs !== found.mtimeMs) {
      file.size = found.size;
      file.mtimeMs = found.mtimeMs;
      file.markChanged(nowMs);
    }
    const isRetried = file.state === "failed" || file.state === "claimed";
    if (isRetried || (file.problem !== undefined && !file.compression)) file.requestTurn();
    return file;
  }
}
