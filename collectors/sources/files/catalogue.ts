import { realpath } from "node:fs/promises";
import { dirname } from "node:path";

import type { Clock } from "#platform/clock.ts";

import { filesIn, lookAt, scanFiles, type FoundFile, type ScanResult } from "./scan.ts";
import { TrackedFile } from "./tracked-file.ts";

/** The known files by inode and by current path. */
export class Catalogue {
  #sources: ReadonlyMap<string, string>;
  readonly #clock: Clock;
  readonly #byKey = new Map<string, TrackedFile>();
  readonly #byPath = new Map<string, TrackedFile>();
  problems: ScanResult["problems"] = new Map();

  constructor(paths: readonly string[], clock: Clock) {
    this.#sources = new Map(paths.map((path) => [path, path]));
    this.#clock = clock;
  }

  /** Changes the paths and patterns, each with the source that it belongs to, for the next scan. */
  setPaths(sources: ReadonlyMap<string, string>): void {
    this.#sources = sources;
  }

  /** The source that a path or pattern belongs to. */
  sourceOf(pattern: string): string {
    return this.#sources.get(pattern) ?? pattern;
  }

  /** The files that no present path or pattern matches, as these were changed. */
  unwanted(): TrackedFile[] {
    return this.files().filter(({ pattern }) => !this.#sources.has(pattern));
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
    const { files, folders, problems } = await scanFiles([...this.#sources.keys()]);
    this.problems = problems;
    this.#byPath.clear();
    const keys = new Set<string>();
    for (const found of files) {
      keys.add(found.key);
      const file = this.#keep(found);
      file.isMoved = false;
      file.pattern = found.pattern;
      this.#byPath.set(found.path, file);
      const real = await realpath(found.path).catch(() => found.path);
      this.#byPath.set(real, file);
      folders.add(dirname(real));
    }
    const missing = this.files().filter((file) => !keys.has(file.key));
    for (const file of this.#byKey.values()) file.isDeleted = false;
    await this.#lookUpMissing(missing);
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

  /**
   * A closed file that was renamed to a name that no pattern matches is looked up in its folder, because its writer may
   * not have changed to a new file yet. A folder that could not be listed has no files for a pattern: such a file is
   * still at its path.
   */
  async #lookUpMissing(missing: readonly TrackedFile[]): Promise<void> {
    const folders = new Map<string, Map<string, FoundFile> | undefined>();
    for (const file of missing) {
      if ((await lookAt(file.path, file.pattern))?.key === file.key && !file.isMoved) continue;
      file.isDeleted = true;
      if (file.isOpen) continue;
      const folder = dirname(file.path);
      if (!folders.has(folder)) folders.set(folder, await filesIn(folder));
      const found = folders.get(folder);
      const now = found?.get(file.key);
      if (now) this.#keep(now);
      file.isMoved = now !== undefined;
      file.isLost = found !== undefined && now === undefined;
    }
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
