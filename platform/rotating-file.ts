import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from "node:fs";
import path from "node:path";

/**
 * A text file that is rotated by size: `name.log`, `name.log.1` … `name.log.<oldFilesMax>`. Write errors, e.g. because
 * of a full disk, are not thrown: the lost lines are counted and reported when writing works again.
 */
export class RotatingFile {
  readonly #file: string;
  readonly #limits: { bytesMax: number; oldFilesMax: number };
  #descriptor: number | undefined;
  #bytes = 0;
  #linesLost = 0;

  constructor(file: string, limits: { bytesMax: number; oldFilesMax: number }) {
    this.#file = file;
    this.#limits = limits;
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    this.#open();
  }

  write(line: string): void {
    try {
      if (this.#descriptor === undefined) this.#open();
      else if (this.#bytes >= this.#limits.bytesMax) this.#rotate();
      this.#reportLostLines();
      this.#append(line);
    } catch {
      // This would be reported in the log itself, so it is counted instead.
      this.#linesLost += 1;
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): void {
    this.#descriptor = openSync(this.#file, "a", 0o600);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  #rotate(): void {
    this.close();
    for (let age = this.#limits.oldFilesMax; age > 0; age -= 1) {
      const younger = age === 1 ? this.#file : `${this.#file}.${age - 1}`;
      if (existsSync(younger)) renameSync(younger, `${this.#file}.${age}`);
    }
    this.#open();
  }

  #append(line: string): void {
    if (this.#descriptor === undefined) return;
    this.#bytes += writeSync(this.#descriptor, line);
  }

  #reportLostLines(): void {
    if (this.#linesLost === 0) return;
    const lost = this.#linesLost;
    this.#append(
      `${JSON.stringify({ message: `${lost} lines of this log could not be written` })}\n`,
    );
    this.#linesLost -= lost;
  }
}
