import { openFilesMax } from "#platform/open-files.ts";

import type { TrackedFile } from "./tracked-file.ts";

/** Of all files that the process may open; the others are for the store, the bus and connections. */
const SHARE = 1 / 4;
const MAX = { lowest: 16, highest: 4_096 };

/** The number of log files that are kept open at a time. */
export const logFilesOpenMax = (processMax = openFilesMax()): number =>
  Math.min(MAX.highest, Math.max(MAX.lowest, Math.floor(processMax * SHARE)));

/** The open files. When there are too many, the one that was not used for the longest time is closed. */
export class OpenFiles {
  readonly max: number;
  /** In the order of their last use. */
  readonly #files = new Set<TrackedFile>();

  constructor(max: number) {
    this.max = max;
  }

  /**
   * `replaced` if the path now refers to another file; `full` if all open files must stay open for now, so that the
   * file has to wait.
   */
  async open(file: TrackedFile): Promise<"open" | "replaced" | "full"> {
    if (!file.isOpen && !(await this.#makeRoom())) return "full";
    if (!(await file.open())) return "replaced";
    this.#files.delete(file);
    this.#files.add(file);
    return "open";
  }

  /** Closes half of the files, because the process cannot open any more. */
  async closeHalf(): Promise<void> {
    const open = [...this.#files].filter(({ isOpen }) => isOpen);
    for (const file of open.slice(0, Math.ceil(open.length / 2))) await this.#close(file);
  }

  async #makeRoom(): Promise<boolean> {
    for (const file of this.#files) {
      if (this.#files.size < this.max) return true;
      // Files are also closed elsewhere.
      if (!file.isOpen) this.#files.delete(file);
      else if (!isMidway(file)) await this.#close(file);
    }
    return this.#files.size < this.max;
  }

  async #close(file: TrackedFile): Promise<void> {
    this.#files.delete(file);
    await file.close();
  }
}

/** A compressed file would have to be decompressed from its beginning again. */
const isMidway = (file: TrackedFile): boolean =>
  file.compression !== undefined && file.state === "reading" && file.needsTurn;
