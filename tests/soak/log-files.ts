import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

import { accessLine } from "../harness/access-log.ts";

const FILES = 3;
const WRITE_EVERY_MS = 50;
/** Every so many lines one has a long path, for searches with wildcards. */
const LONG_PATH_EVERY = 50;
const LONG_PATH_LENGTH = 7_000;
const FUTURE_MS = 20 * 3_600_000;

/** The lines that were written: `counts` per file, numbered from 0. */
export type Written = {
  counts: readonly number[];
  fromMs: number;
  toMs: number;
  futureMs: number[];
};

/** Log files that are appended at a steady rate and rotated. Each line has the number of its file and its own number. */
export class LogFiles implements Disposable {
  readonly pattern: string;
  readonly #folder: string;
  readonly #counts = Array.from({ length: FILES }, () => 0);
  readonly #rotations = Array.from({ length: FILES }, () => 0);
  readonly #fromMs = Date.now();
  readonly #futureMs: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.pattern = path.join(folder, "*");
  }

  /** Appends this many lines a second, over all files, until `stop`. */
  start(linesPerSecond: number): void {
    const startMs = performance.now();
    let written = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) * linesPerSecond) / 1_000);
      const share = Math.floor((due - written) / FILES);
      if (share < 1) return;
      for (const file of this.#counts.keys()) this.#append(file, share, Date.now());
      written += share * FILES;
    }, WRITE_EVERY_MS);
  }

  stop(): Written {
    clearInterval(this.#timer);
    return {
      counts: this.#counts,
      fromMs: this.#fromMs,
      toMs: Date.now(),
      futureMs: this.#futureMs,
    };
  }

  /** Renames the file and starts a new one; the old one is compressed if `isCompressed`. */
  rotate(file: number, isCompressed: boolean): string {
    const live = this.#path(file);
    const old = `${live}.${(this.#rotations[file] = (this.#rotations[file] ?? 0) + 1)}`;
    renameSync(live, old);
    writeFileSync(live, "");
    if (!isCompressed) return `${path.basename(live)} renamed`;
    const partial = path.join(this.#folder, "..", `${path.basename(old)}.partial`);
    writeFileSync(partial, gzipSync(readFileSync(old)));
    renameSync(partial, `${old}.gz`);
    rmSync(old);
    return `${path.basename(live)} renamed and compressed`;
  }

  /** Appends a line with a time in the future. */
  appendFutureLine(file: number): void {
    const atMs = Date.now() + FUTURE_MS;
    this.#futureMs.push(atMs);
    this.#append(file, 1, atMs);
  }

  get files(): number {
    return FILES;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #path(file: number): string {
    return path.join(this.#folder, `access-${file}.log`);
  }

  #append(file: number, count: number, atMs: number): void {
    const from = this.#counts[file] ?? 0;
    const lines = Array.from({ length: count }, (_, place) => lineOf(file, from + place, atMs));
    appendFileSync(this.#path(file), lines.join(""));
    this.#counts[file] = from + count;
  }
}

function lineOf(file: number, number: number, atMs: number): string {
  const rest = number % LONG_PATH_EVERY === 0 ? "a".repeat(LONG_PATH_LENGTH) : "page";
  return accessLine({
    atMs,
    path: `/soak/${file}/${rest}?n=${number}`,
    status: statusOf(number),
    address: `198.51.100.${number % 250}`,
  });
}

const statusOf = (number: number): number => (number % 10 === 0 ? 500 : 200);

const URL_PATTERN = /^\/soak\/(\d+)\/\w+\?n=(\d+)$/;

/** The numbers in the `url.original` of a line. */
export function numbersOf(url: string): { file: number; number: number } {
  const [, file, number] = URL_PATTERN.exec(url) ?? [];
  if (file === undefined || number === undefined) throw new Error(`not a written line: ${url}`);
  return { file: Number(file), number: Number(number) };
}
