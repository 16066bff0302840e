import type { LineCounts } from "./line-counts.ts";

/** The counts of the latest stream at each path, with which the next one there continues: a rotated log stays the same. */
export class LogCounts {
  readonly #latest = new Map<string, LineCounts>();
  readonly #paths = new Map<LineCounts, string>();

  /** To be called with the counts of a new stream; `stored`: those at its path, unless a stream there is being read. */
  begin(path: string, lines: LineCounts, stored: () => string): void {
    if (path === "") return;
    const before = this.#latest.get(path);
    if (lines.isEmpty) {
      if (before) lines.continue(before);
      else lines.restore(stored());
    }
    this.#latest.set(path, lines);
    this.#paths.set(lines, path);
  }

  forget(lines: LineCounts): void {
    const path = this.#paths.get(lines) ?? "";
    this.#paths.delete(lines);
    if (this.#latest.get(path) === lines) this.#latest.delete(path);
  }
}
