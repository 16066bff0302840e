import { watch, type FSWatcher } from "node:fs";
import { join } from "node:path";

import { errorCode } from "#platform/errors.ts";

/** The limits that may be reached. */
const LIMITS: Readonly<Record<string, string>> = {
  ENOSPC: "fs.inotify.max_user_watches",
  EMFILE: "fs.inotify.max_user_instances or the limit of open files (ulimit -n)",
};

/** Reports which files changed, and whether files were added or removed. Changes are merged, not queued. */
export class Watch {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #changed = new Set<string>();
  #renamed = false;
  #wake: (() => void) | undefined;

  /** Whether a folder emits no events, so that its files must be checked more often. */
  isPartial = false;
  /** The system has no watches left for this folder. */
  problem: { path: string; message: string } | undefined;

  follow(folders: ReadonlySet<string>): void {
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    this.isPartial = false;
    this.problem = undefined;
    for (const folder of folders) {
      if (!this.#watchers.has(folder) && !this.#open(folder)) this.isPartial = true;
    }
  }

  take(): { changed: Set<string>; renamed: boolean } {
    const taken = { changed: new Set(this.#changed), renamed: this.#renamed };
    this.#changed.clear();
    this.#renamed = false;
    return taken;
  }

  /** Resolves at the next change, after the given time, or when the signal aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#renamed || this.#changed.size > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms);
      const wake = done;
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        resolve();
      }
      signal.addEventListener("abort", wake, { once: true });
      this.#wake = wake;
    });
    this.#wake = undefined;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #open(folder: string): boolean {
    try {
      const watcher = watch(folder, (type, name) => {
        if (type === "rename" || name === null) this.#renamed = true;
        if (name !== null) this.#changed.add(join(folder, name));
        this.#wake?.();
      });
      const drop = (): void => {
        watcher.close();
        if (this.#watchers.get(folder) === watcher) this.#watchers.delete(folder);
      };
      watcher.on("error", drop);
      this.#watchers.set(folder, watcher);
      return true;
    } catch (error) {
      // Missing, unreadable, or no watches left: polling finds the changes.
      const raise = LIMITS[errorCode(error) ?? ""];
      const message = `its changes are found by looking at its files several times a second, because the system has no watches left: raise ${raise}`;
      if (raise !== undefined) this.problem ??= { path: folder, message };
      return false;
    }
  }
}
