const grouped = new Intl.NumberFormat("en");
const WINDOW_LINES = 1_000;

type Count = { lines: number; refused: number };

/** Counts the quarantined lines among the last one to two thousand lines of a stream. */
export class RecentLines {
  #now: Count = { lines: 0, refused: 0 };
  #before: Count = { lines: 0, refused: 0 };
  #reason = "";

  refuse(reason: string): void {
    this.#now.refused += 1;
    this.#reason = reason;
  }

  /** Counts lines, including `refused` quarantined ones. */
  count(lines: number): void {
    this.#now.lines += lines;
    if (this.#now.lines < WINDOW_LINES) return;
    this.#before = this.#now;
    this.#now = { lines: 0, refused: 0 };
  }

  /** Message for people; undefined while every line can be parsed. */
  get note(): string | undefined {
    const refused = this.#now.refused + this.#before.refused;
    const lines = Math.max(this.#now.lines + this.#before.lines, refused);
    if (refused === 0) return undefined;
    const counts = `${grouped.format(refused)} of its last ${grouped.format(lines)}`;
    return `${counts} lines are in quarantine, the latest because: ${this.#reason}`;
  }
}
